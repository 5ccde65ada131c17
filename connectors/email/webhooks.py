"""What providers call us with: mail that came in, and what became of mail that went out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from core.errors import BadInput


class _Fields(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Header(_Fields):
    Name: str
    Value: str


class _Attachment(_Fields):
    Name: str = "file"
    Content: str = ""
    ContentType: str = "application/octet-stream"
    ContentID: str | None = None


class PostmarkInbound(_Fields):
    """https://postmarkapp.com/developer/webhooks/inbound-webhook"""

    From: str = ""
    To: str = ""
    Cc: str = ""
    ReplyTo: str = ""
    OriginalRecipient: str = ""
    Subject: str = ""
    Date: str = ""
    MessageID: str = ""
    """Postmark's own; the mail's is among the headers."""
    TextBody: str = ""
    HtmlBody: str = ""
    RawEmail: str = ""
    """Only if the inbound stream is set to include it."""
    Headers: list[_Header] = []
    Attachments: list[_Attachment] = []


class PostmarkEvent(_Fields):
    """https://postmarkapp.com/developer/webhooks/bounce-webhook, …/delivery-webhook"""

    RecordType: Literal["Delivery", "Bounce", "SpamComplaint"]
    Metadata: dict[str, str] = {}
    Email: str = ""
    Description: str = ""
    Details: str = ""
    Inactive: bool = False
    Type: str = ""


class SendGridEvent(_Fields):
    """https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""

    event: Annotated[str, StringConstraints(max_length=40)] = ""
    email: str = ""
    reason: str = ""
    type: str = ""
    delivery: str = ""
    """Our custom argument."""


class Outcome(BaseModel):
    """What became of a delivery."""

    delivery_id: UUID
    arrived: bool
    address: str = ""
    detail: str = ""


_events: TypeAdapter[list[SendGridEvent]] = TypeAdapter(list[SendGridEvent])
PERMANENT = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "Blocked", "SpamNotification", "SpamComplaint"}


def postmark_mail(body: dict[str, Any]) -> tuple[bytes, tuple[str, ...]]:
    """(the mail, the addresses it came to). Raises `BadInput`."""
    try:
        inbound = PostmarkInbound.model_validate(body)
    except ValidationError as error:
        raise BadInput(f"This is no inbound mail of Postmark's: {error.errors()[0]['msg']}.") from None
    came_to = (inbound.OriginalRecipient,) if inbound.OriginalRecipient else ()
    if inbound.RawEmail:
        return _raw(inbound.RawEmail), came_to
    given = {"From": inbound.From, "To": inbound.To, "Cc": inbound.Cc, "Reply-To": inbound.ReplyTo}
    given |= {"Subject": inbound.Subject, "Date": inbound.Date}
    headers = [(header.Name, header.Value) for header in inbound.Headers]
    if not any(name.lower() == "message-id" for name, _ in headers) and inbound.MessageID:
        headers.append(("Message-ID", f"<{inbound.MessageID}@inbound.postmarkapp.com>"))
    files = [(one.Name, one.ContentType, one.Content, one.ContentID) for one in inbound.Attachments]
    return _built(given, headers, inbound.TextBody, inbound.HtmlBody, files), came_to


def postmark_outcome(body: dict[str, Any]) -> Outcome | None:
    """None for what concerns no delivery of ours, and for troubles that pass."""
    try:
        event = PostmarkEvent.model_validate(body)
        delivery_id = UUID(hex=event.Metadata.get("delivery", ""))
    except ValueError:
        return None
    if event.RecordType == "Delivery":
        return Outcome(delivery_id=delivery_id, arrived=True)
    if not event.Inactive and event.Type not in PERMANENT:
        return None
    detail = event.Details or event.Description or event.Type
    return Outcome(delivery_id=delivery_id, arrived=False, address=event.Email.lower(), detail=detail[:500])


def sendgrid_mail(fields: Mapping[str, str], files: Iterable[tuple[str, str, bytes]]) -> tuple[bytes, tuple[str, ...]]:
    """(the mail, the addresses it came to), of a form as SendGrid's Inbound Parse posts it.

    https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
    """
    came_to = _envelope(fields.get("envelope", ""))
    if raw := fields.get("email"):  # the setting "post the raw, full MIME message"
        return raw.encode("utf-8", "surrogateescape"), came_to
    if not fields.get("headers") and not fields.get("from"):
        raise BadInput("This is no form of SendGrid's Inbound Parse: neither `email` nor `headers` is in it.")
    headers = []
    for line in fields.get("headers", "").replace("\r\n", "\n").replace("\n\t", " ").replace("\n ", " ").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip(), value.strip()))
    named = {name.lower() for name, _ in headers}
    pairs = (("From", "from"), ("To", "to"), ("Cc", "cc"), ("Subject", "subject"))
    given = {name: fields.get(field, "") for name, field in pairs if name.lower() not in named}
    attached = [(name, kind, base64.b64encode(content).decode(), None) for name, kind, content in files]
    return _built(given, headers, fields.get("text", ""), fields.get("html", ""), attached), came_to


def sendgrid_outcomes(body: Any) -> list[Outcome]:
    """Raises `BadInput`."""
    try:
        events = _events.validate_python(body)
    except ValidationError:
        raise BadInput("These are no events of SendGrid's.") from None
    return [outcome for event in events if (outcome := _sendgrid_outcome(event))]


def _sendgrid_outcome(event: SendGridEvent) -> Outcome | None:
    try:
        delivery_id = UUID(hex=event.delivery)
    except ValueError:
        return None
    if event.event == "delivered":
        return Outcome(delivery_id=delivery_id, arrived=True)
    if event.event in ("dropped", "spamreport") or (event.event == "bounce" and event.type != "blocked"):
        detail = event.reason or event.event
        return Outcome(delivery_id=delivery_id, arrived=False, address=event.email.lower(), detail=detail[:500])
    return None


def _envelope(envelope: str) -> tuple[str, ...]:
    class Envelope(_Fields):
        to: list[str] = []

    try:
        return tuple(Envelope.model_validate_json(envelope).to[:50])
    except ValidationError:
        return ()


def _raw(encoded: str) -> bytes:
    """Postmark gives the mail as it is, or in base64, depending on the age of the server."""
    if ":" in encoded[:2000]:
        return encoded.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise BadInput("RawEmail is neither a mail nor base64.") from None


def _built(
    given: Mapping[str, str],
    headers: Iterable[tuple[str, str]],
    text: str,
    html: str,
    files: Iterable[tuple[str, str, str, str | None]],
) -> bytes:
    """The mail put together again: the parts as the provider took it apart, the headers as they came."""
    mail = EmailMessage(policy=SMTP)
    mail.set_content(text or "")
    if html:
        mail.add_alternative(html, subtype="html")
    for name, kind, content, content_id in files:
        main, _, sub = kind.partition(";")[0].strip().partition("/")
        if main in ("multipart", "message") or not sub:
            main, sub = "application", "octet-stream"
        cid = f"<{content_id.removeprefix('cid:').strip('<>')}>" if content_id else None
        mail.add_attachment(_decoded(content), main, sub, filename=_line(name) or "file", cid=cid)
    ours = {name.lower() for name, _ in mail.items()}
    head = [(name, value) for name, value in headers if name.lower() not in ours]
    named = {name.lower() for name, _ in head}
    head += [(name, value) for name, value in given.items() if value and name.lower() not in named]
    top = "".join(f"{_line(name)}: {_line(value)}\r\n" for name, value in head if name and ":" not in name)
    return top.encode("utf-8", "surrogateescape") + mail.as_bytes()


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except binascii.Error:
        return content.encode()


def _line(text: str) -> str:
    return " ".join(text.split())
