"""Sending through a provider's HTTP API: the same mail, in the provider's words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx

from connectors.email.render import LOGO_CID
from core.messages import JsonObject
from core.outbox import DeliveryError

TIMEOUT_S = 30
# https://postmarkapp.com/developer/api/overview#error-codes
POSTMARK_RECIPIENT = {300, 406}
POSTMARK_ACCOUNT = {10, 400, 401, 405, 412}
# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors: these are refused among `headers`.
SENDGRID_RESERVED = {"to", "from", "cc", "subject", "reply-to", "content-type", "content-transfer-encoding", "date",
                     "mime-version", "received", "dkim-signature", "x-sg-id", "x-sg-eid", "bcc"}  # fmt: skip
OURS = {"from", "to", "cc", "subject", "reply-to", "date", "mime-version", "content-type", "content-transfer-encoding"}


class Postmark:
    """https://postmarkapp.com/developer/api/email-api"""

    def __init__(self, base_url: str, http: httpx.AsyncClient) -> None:
        self._base = base_url.rstrip("/")
        self._http = http

    async def send(self, token: str, mail: EmailMessage, delivery_id: str) -> None:
        body = {
            "From": str(mail["From"]),
            "To": str(mail["To"]),
            "Cc": str(mail["Cc"] or ""),
            "ReplyTo": str(mail["Reply-To"] or ""),
            "Subject": str(mail["Subject"]),
            "TextBody": _body(mail, "plain"),
            "HtmlBody": _body(mail, "html"),
            "Headers": [{"Name": name, "Value": value} for name, value in _extra(mail, OURS)]
            # Without it Postmark puts a Message-ID of its own in the place of ours.
            + [{"Name": "X-PM-KeepID", "Value": "true"}],
            "Attachments": [
                {"Name": name, "Content": content, "ContentType": kind}
                | ({"ContentID": f"cid:{LOGO_CID}"} if inline else {})
                for name, content, kind, inline in _files(mail)
            ],
            "Metadata": {"delivery": delivery_id},
            "MessageStream": "outbound",
        }
        headers = {"X-Postmark-Server-Token": token, "Accept": "application/json"}
        answer = await _post(self._http, f"{self._base}/email", body, headers, "Postmark")
        if answer.status_code != 200:
            raise _postmark_error(answer)

    async def check(self, token: str) -> str:
        """The server's name. Raises `DeliveryError`."""
        try:
            answer = await self._http.get(f"{self._base}/server", headers={"X-Postmark-Server-Token": token})
        except httpx.HTTPError as error:
            raise _silent("Postmark", error) from error
        if answer.status_code != 200:
            raise _postmark_error(answer)
        return str(answer.json().get("Name", ""))


class SendGrid:
    """https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send"""

    def __init__(self, base_url: str, http: httpx.AsyncClient) -> None:
        self._base = base_url.rstrip("/")
        self._http = http

    async def send(self, token: str, mail: EmailMessage, delivery_id: str) -> None:
        people: JsonObject = {"to": _people(mail, "To")}
        if mail["Cc"]:
            people["cc"] = _people(mail, "Cc")
        body: JsonObject = {
            "personalizations": [people],
            "from": _people(mail, "From")[0],
            "subject": str(mail["Subject"]),
            "content": [
                {"type": "text/plain", "value": _body(mail, "plain")},
                {"type": "text/html", "value": _body(mail, "html")},
            ],
            "headers": dict(_extra(mail, SENDGRID_RESERVED)),
            "custom_args": {"delivery": delivery_id},
            "tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
        }
        if mail["Reply-To"]:
            body["reply_to"] = _people(mail, "Reply-To")[0]
        files = [
            {"content": content, "filename": name, "type": kind}
            | ({"disposition": "inline", "content_id": LOGO_CID} if inline else {"disposition": "attachment"})
            for name, content, kind, inline in _files(mail)
        ]
        if files:
            body["attachments"] = files
        headers = {"Authorization": f"Bearer {token}"}
        answer = await _post(self._http, f"{self._base}/v3/mail/send", body, headers, "SendGrid")
        if answer.status_code != 202:
            raise _sendgrid_error(answer)

    async def check(self, token: str) -> str:
        """The key's powers. Raises `DeliveryError`."""
        try:
            answer = await self._http.get(f"{self._base}/v3/scopes", headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise _silent("SendGrid", error) from error
        if answer.status_code != 200:
            raise _sendgrid_error(answer)
        if "mail.send" not in answer.json().get("scopes", []):
            raise DeliveryError(
                "This SendGrid key may not send mail. Give it the permission Mail Send.", permanent=True
            )
        return "mail.send"


async def _post(
    http: httpx.AsyncClient, url: str, body: JsonObject, headers: dict[str, str], who: str
) -> httpx.Response:
    try:
        return await http.post(url, json=body, headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise _silent(who, error) from error


def _silent(who: str, error: Exception) -> DeliveryError:
    return DeliveryError(
        f"{who} does not answer ({error or type(error).__name__}). It is tried again.", permanent=False
    )


def _postmark_error(answer: httpx.Response) -> DeliveryError:
    try:
        said = answer.json()
        code, text = int(said.get("ErrorCode", 0)), str(said.get("Message", ""))[:300]
    except (ValueError, AttributeError):
        code, text = 0, answer.text[:200]
    if answer.status_code == 401 or code in POSTMARK_ACCOUNT:
        return DeliveryError(
            f"Postmark refused the account: {text} Check the server token.", permanent=True, channel_broken=True
        )
    if code in POSTMARK_RECIPIENT:
        return DeliveryError(f"Postmark refused the mail: {text}", permanent=True)
    return DeliveryError(f"Postmark refused the mail ({code or answer.status_code}): {text}", **_again(answer))


def _sendgrid_error(answer: httpx.Response) -> DeliveryError:
    try:
        text = "; ".join(str(one.get("message")) for one in answer.json().get("errors", []))[:300]
    except (ValueError, AttributeError):
        text = answer.text[:200]
    if answer.status_code in (401, 403):
        remedy = "Check the API key and that the sender is verified there."
        return DeliveryError(f"SendGrid refused the account: {text}. {remedy}", permanent=True, channel_broken=True)
    return DeliveryError(f"SendGrid refused the mail ({answer.status_code}): {text}.", **_again(answer))


def _again(answer: httpx.Response) -> dict[str, Any]:
    """Too many requests and troubles of their own pass; the rest says the mail is wrong."""
    permanent = answer.status_code < 500 and answer.status_code not in (408, 429)
    after = answer.headers.get("retry-after", "")
    return {"permanent": permanent, "retry_after": float(after) if after.isdigit() else None}


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part else ""


def _extra(mail: EmailMessage, but: set[str]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in mail.items() if name.lower() not in but)


def _people(mail: EmailMessage, header: str) -> list[JsonObject]:
    found = mail[header].addresses
    return [{"email": one.addr_spec} | ({"name": one.display_name} if one.display_name else {}) for one in found]


def _files(mail: EmailMessage) -> Iterator[tuple[str, str, str, bool]]:
    """(name, base64, type, shown inside the page)."""
    for part in mail.walk():
        if part.get_content_disposition() in ("attachment", "inline"):
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            inline = part.get_content_disposition() == "inline"
            yield part.get_filename() or "file", base64.b64encode(content).decode(), part.get_content_type(), inline
