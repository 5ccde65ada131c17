"""Secrets at rest: Fernet under a key derived from the installation's secret."""

from __future__ import annotations

import base64
import json

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import StartupError


def derive(key: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869), so that no two uses share a key."""
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())


class SecretBox:
    """Seals what must not be readable in the database: bot tokens, mailbox passwords, webhook secrets."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive(key, "deskhand/secrets/1")))

    def seal(self, values: dict[str, str]) -> bytes:
        return self._fernet.encrypt(json.dumps(values).encode())

    def open(self, sealed: bytes | None) -> dict[str, str]:
        if not sealed:
            return {}
        try:
            values: dict[str, str] = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise StartupError(
                "A stored channel secret cannot be read: DESKHAND_SECRET_KEY is not the key it "
                "was sealed with. Restore the old key, or enter the secret again."
            ) from None
        return values
