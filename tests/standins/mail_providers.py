"""Postmark and SendGrid, as far as we send through them: they keep what they took, and refuse what the vendors do."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

import httpx

TOKEN = "a provider's token"
RESERVED = {"to", "from", "cc", "bcc", "subject", "reply-to", "content-type", "content-transfer-encoding", "received"}


@dataclass(slots=True)
class Providers:
    """An httpx transport: `httpx.MockTransport(providers)`."""

    sender: str = "support@acme.example"
    """The one address that is confirmed there."""
    inactive: set[str] = field(default_factory=set)
    """Addresses that bounced once."""
    busy: int = 0
    """So many calls are refused with 429."""
    taken: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.busy:
            self.busy -= 1
            return httpx.Response(429, headers={"Retry-After": "7"}, json={"ErrorCode": 429, "Message": "Too many"})
        if request.url.path in ("/email", "/server"):
            return self._postmark(request)
        if request.url.path in ("/v3/mail/send", "/v3/scopes"):
            return self._sendgrid(request)
        return httpx.Response(404)

    def _postmark(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-postmark-server-token") != TOKEN:
            return _refused(401, 10, "Bad or missing Server API token.")
        if request.url.path == "/server":
            return httpx.Response(200, json={"Name": "acme"})
        body = json.loads(request.content)
        if parseaddr(body["From"])[1] != self.sender:
            return _refused(422, 400, f"The 'From' address you supplied ({body['From']}) is not a Sender Signature.")
        if not parseaddr(body["To"])[1].count("@"):
            return _refused(422, 300, "Invalid 'To' address")
        if parseaddr(body["To"])[1] in self.inactive:
            return _refused(422, 406, "You tried to send to a recipient that has been marked as inactive.")
        if not body.get("TextBody") and not body.get("HtmlBody"):
            return _refused(422, 300, "Provide either email TextBody or HtmlBody or both.")
        for one in body.get("Attachments", []):
            base64.b64decode(one["Content"], validate=True)
        self.taken.append(body)
        return httpx.Response(200, json={"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a"})

    def _sendgrid(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"errors": [{"message": "The provided authorization grant is invalid"}]})
        if request.url.path == "/v3/scopes":
            return httpx.Response(200, json={"scopes": ["mail.send"]})
        body = json.loads(request.content)
        if body["from"]["email"] != self.sender:
            text = "The from address does not match a verified Sender Identity."
            return httpx.Response(403, json={"errors": [{"message": text, "field": "from"}]})
        if reserved := RESERVED & {name.lower() for name in body.get("headers", {})}:
            return httpx.Response(400, json={"errors": [{"message": f"{reserved} are reserved", "field": "headers"}]})
        if [one["type"] for one in body["content"]] != ["text/plain", "text/html"] or not all(
            one["value"] for one in body["content"]
        ):
            return httpx.Response(400, json={"errors": [{"message": "The content is wrong", "field": "content"}]})
        self.taken.append(body)
        return httpx.Response(202, headers={"X-Message-Id": "14c5d75ce93"})


def _refused(status: int, code: int, text: str) -> httpx.Response:
    return httpx.Response(status, json={"ErrorCode": code, "Message": text})
