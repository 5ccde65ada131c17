"""Access tokens for mailboxes at providers that take no passwords any more, renewed before they end.

RFC 6749, section 6; https://developers.google.com/identity/protocols/oauth2/web-server#offline and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token. Microsoft gives
a new refresh token each time and lets the old one end with time, so the newest is kept, sealed, in the channel's state.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from uuid import UUID

import httpx

from connectors.email.settings import MailSettings, settings_of
from core.db import Database
from core.models import Channel
from core.outbox import DeliveryError
from core.secrets import SecretBox
from core.settings import Settings

TIMEOUT_S = 20
BEFORE_THE_END_S = 120


@dataclass(frozen=True, slots=True)
class _Access:
    token: str
    of: str
    """Which refresh token it was got with."""
    until: float
    """`time.monotonic()` when it should be renewed."""


class AccessTokens:
    """One process's, for all mailboxes."""

    def __init__(self, settings: Settings, db: Database, box: SecretBox) -> None:
        self._addresses = {"google": str(settings.google_token_url), "microsoft": str(settings.microsoft_token_url)}
        self._db = db
        self._box = box
        self._known: dict[UUID, _Access] = {}

    async def secrets_of(self, channel: Channel) -> dict[str, str]:
        """The channel's secrets, with an `oauth_token` that is good now where it is set up to be renewed.

        Raises `DeliveryError`.
        """
        secrets, mailbox = self._box.open(channel.sealed_secrets), settings_of(channel)
        granted = secrets.get("oauth_refresh_token", "")
        if not mailbox.oauth or not granted:
            return secrets
        known = self._known.get(channel.id)
        if known is None or known.of != _digest(granted) or known.until < time.monotonic():
            known = self._known[channel.id] = await self._renew(channel, mailbox, secrets)
        return {**secrets, "oauth_token": known.token}

    async def _renew(self, channel: Channel, mailbox: MailSettings, secrets: dict[str, str]) -> _Access:
        granted = secrets["oauth_refresh_token"]
        newest = await self._newest(channel, granted)
        body = {"grant_type": "refresh_token", "refresh_token": newest, "client_id": mailbox.oauth_client_id}
        if secret := secrets.get("oauth_client_secret"):
            body["client_secret"] = secret
        said = await _ask(self._addresses[mailbox.oauth], body, mailbox)
        given = str(said.get("refresh_token") or newest)
        if given != newest:
            await self._keep(channel, granted, given)
        lasts = float(str(said.get("expires_in", 3600)))
        until = time.monotonic() + max(lasts - BEFORE_THE_END_S, lasts / 2)
        return _Access(str(said["access_token"]), _digest(granted), until)

    async def _newest(self, channel: Channel, granted: str) -> str:
        """The newest refresh token that came of the one an admin entered."""
        async with self._db.read(channel.organization_id) as scope:
            state = await scope.session.scalar(scope.select(Channel, Channel.state).where(Channel.id == channel.id))
        kept = (state or {}).get("oauth", {})
        if kept.get("of") != _digest(granted):
            return granted
        return self._box.open(b64decode(kept["sealed"]))["refresh_token"]

    async def _keep(self, channel: Channel, granted: str, newest: str) -> None:
        sealed = b64encode(self._box.seal({"refresh_token": newest})).decode()
        async with self._db.write(channel.organization_id) as scope:
            row = await scope.session.scalar(scope.select(Channel).where(Channel.id == channel.id).with_for_update())
            if row:  # it may only be being tried yet
                row.state = {**(row.state or {}), "oauth": {"of": _digest(granted), "sealed": sealed}}


async def _ask(address: str, body: dict[str, str], mailbox: MailSettings) -> dict[str, object]:
    provider = mailbox.oauth.title()
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
            answer = await http.post(address, data=body)
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DeliveryError(
            f"{provider} gives no token for {mailbox.login} ({error or type(error).__name__}).", permanent=False
        ) from error
    if answer.is_success and isinstance(said, dict) and said.get("access_token"):
        return said
    error = said.get("error") if isinstance(said, dict) else None
    why = (said.get("error_description") if isinstance(said, dict) else None) or error or answer.status_code
    ended = error in ("invalid_grant", "invalid_client", "unauthorized_client")
    raise DeliveryError(
        f"{provider} gives no token for {mailbox.login}: {' '.join(str(why).split())[:200]}. "
        "Agree again, and enter the new refresh token under Channels.",
        permanent=ended,
        channel_broken=ended,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]
