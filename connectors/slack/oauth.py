"""Adding the app to a workspace: where the admin is sent, and what comes back.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import jwt

from connectors.slack.client import Workspace
from connectors.slack.settings import KIND, SCOPES
from core.errors import Forbidden
from core.helpdesk import Helpdesk
from core.models import Channel, now
from core.secrets import derive
from core.settings import Settings

AUTHORIZE = "https://slack.com/oauth/v2/authorize"
LIFE = timedelta(minutes=10)
ALGORITHM = "HS256"


class States:
    """Ties what comes back to the admin who left, and to the browser they left with."""

    def __init__(self, key: str) -> None:
        self._key = derive(key, "deskhand/slack-state/1")

    def issue(self, organization_id: UUID, member_id: UUID) -> tuple[str, str]:
        """(state, nonce): the nonce stays in the browser."""
        nonce = secrets.token_urlsafe(16)
        claims = {"org": str(organization_id), "sub": str(member_id), "nonce": nonce, "exp": now() + LIFE}
        return jwt.encode(claims, self._key, ALGORITHM), nonce

    def read(self, state: str, nonce: str) -> tuple[UUID, UUID]:
        """(organization, member). Raises `Forbidden`."""
        try:
            claims = jwt.decode(state, self._key, [ALGORITHM], options={"require": ["exp", "org", "sub", "nonce"]})
            ours = secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode())
            found = UUID(claims["org"]), UUID(claims["sub"])
        except (jwt.InvalidTokenError, ValueError, KeyError):
            ours = False
        if not ours:
            raise Forbidden("This link was opened in another browser, or is too old. Begin again in the console.")
        return found


def is_set_up(settings: Settings) -> bool:
    secrets_ = (settings.slack_client_secret, settings.slack_signing_secret)
    return bool(settings.slack_client_id) and all(secret.get_secret_value() for secret in secrets_)


def install_path(settings: Settings) -> str | None:
    return "/slack/install" if is_set_up(settings) else None


def authorize_url(client_id: str, redirect_uri: str, state: str) -> str:
    query = {"client_id": client_id, "scope": ",".join(SCOPES), "redirect_uri": redirect_uri, "state": state}
    return f"{AUTHORIZE}?{urlencode(query)}"


async def keep(
    helpdesk: Helpdesk, organization_id: UUID, workspace: Workspace, bot_token: str, app_token: str = ""
) -> Channel:
    """The organization's channel for that workspace: a new one, or the old one with its new token, switched on."""
    async with helpdesk.db.write(organization_id) as scope:
        known = await scope.session.scalar(
            scope.select(Channel).where(Channel.kind == KIND, Channel.account == workspace.team_id)
        )
        if known is None:
            draft = helpdesk.channels.draft(KIND, f"Slack · {workspace.team}"[:200], {}, {})
            draft.account = workspace.team_id
            known = helpdesk.channels.create(scope, draft)
            await scope.session.flush()  # it is changed below
        settings = {**known.settings, **workspace.as_settings()}
        secret = {"bot_token": bot_token} | ({"app_token": app_token} if app_token else {})
        channel = await helpdesk.channels.change(scope, known.id, settings=settings, secrets=secret)
        await scope.session.flush()
        await helpdesk.channels.switch_on(scope, known.id)
    return channel
