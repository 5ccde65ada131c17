"""What a mail carries to come home by: a signed name of its conversation, that nobody else can make.

Written in small letters and digits, since mail servers may change the case of an address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from uuid import UUID

from core.secrets import derive

_MAC_BYTES = 10
_TOKEN = r"([a-z2-7]{42})"  # noqa: S105
_IN_MESSAGE_ID = re.compile(rf"(?i)^<?{_TOKEN}\.([0-9a-f]{{32}})@")
_IN_ADDRESS = re.compile(rf"(?i)\+{_TOKEN}@")
_IN_SUBJECT = re.compile(rf"(?i)\[ref:{_TOKEN}\]")


class MailTokens:
    """Names conversations and ratings of one organization; another organization's names mean nothing."""

    def __init__(self, key: str) -> None:
        self._key = derive(key, "deskhand/email/1")

    def token(self, organization_id: UUID, conversation_id: UUID) -> str:
        packed = conversation_id.bytes + self._mac(organization_id, b"conversation" + conversation_id.bytes)
        return base64.b32encode(packed).decode().rstrip("=").lower()

    def read(self, organization_id: UUID, token: str) -> UUID | None:
        """The conversation, if it is this organization's and the signature is ours."""
        try:
            packed = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:
            return None
        expected = self._mac(organization_id, b"conversation" + packed[:16])
        return UUID(bytes=packed[:16]) if hmac.compare_digest(packed[16:], expected) else None

    def message_id(self, organization_id: UUID, conversation_id: UUID, delivery_id: UUID, domain: str) -> str:
        """The same for every try of a delivery."""
        return f"<{self.token(organization_id, conversation_id)}.{delivery_id.hex}@{domain}>"

    def of_message_id(self, organization_id: UUID, message_id: str) -> tuple[UUID, UUID] | None:
        """(conversation, delivery) of a mail that we sent."""
        match = _IN_MESSAGE_ID.match(message_id.strip())
        conversation_id = match and self.read(organization_id, match[1].lower())
        return (conversation_id, UUID(hex=match[2])) if match and conversation_id else None

    def reply_address(self, address: str, organization_id: UUID, conversation_id: UUID) -> str:
        local, _, domain = address.rpartition("@")
        return f"{local}+{self.token(organization_id, conversation_id)}@{domain}"

    def of_addresses(self, organization_id: UUID, addresses: Iterable[str]) -> UUID | None:
        return self._first(organization_id, _IN_ADDRESS, addresses)

    def in_subject(self, organization_id: UUID, conversation_id: UUID) -> str:
        return f"[ref:{self.token(organization_id, conversation_id)}]"

    def of_subject(self, organization_id: UUID, subject: str) -> UUID | None:
        return self._first(organization_id, _IN_SUBJECT, [subject])

    def _first(self, organization_id: UUID, pattern: re.Pattern[str], texts: Iterable[str]) -> UUID | None:
        for text in texts:
            for match in pattern.finditer(text):
                if found := self.read(organization_id, match[1].lower()):
                    return found
        return None

    def rating(self, organization_id: UUID, number: int) -> str:
        """For the address of a page where a ticket is rated."""
        packed = organization_id.bytes + number.to_bytes(8, "big")
        return base64.urlsafe_b64encode(packed + self._mac(organization_id, b"rating" + packed)).decode().rstrip("=")

    def of_rating(self, token: str) -> tuple[UUID, int] | None:
        """(organization, ticket number)."""
        try:
            packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            organization_id = UUID(bytes=packed[:16])
        except ValueError:
            return None
        if not hmac.compare_digest(packed[24:], self._mac(organization_id, b"rating" + packed[:24])):
            return None
        return organization_id, int.from_bytes(packed[16:24], "big")

    def _mac(self, organization_id: UUID, text: bytes) -> bytes:
        return hmac.digest(self._key, organization_id.bytes + text, hashlib.sha256)[:_MAC_BYTES]
