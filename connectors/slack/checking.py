"""Is a Slack channel ready for work? What is wrong names the remedy."""

from __future__ import annotations

from connectors.slack.client import SlackApi, SlackClient, SlackError, open_socket
from connectors.slack.settings import SCOPES, secrets_of, settings_of
from core.channels import Finding
from core.helpdesk import Helpdesk
from core.models import Channel

UNREACHABLE = (
    "Slack cannot reach this installation: set DESKHAND_SLACK_SIGNING_SECRET, or give the channel an app_token "
    "for Socket Mode."
)


async def check(helpdesk: Helpdesk, channel: Channel) -> list[Finding]:
    """Also notes on `channel` which workspace the token belongs to."""
    secrets = secrets_of(channel, helpdesk.box)
    async with SlackApi(helpdesk.settings.slack_api_url) as api:
        client = api.with_token(secrets.bot_token)
        try:
            workspace = await client.workspace()
        except SlackError as error:
            return [Finding("Token", ok=False, detail=error.detail)]
        channel.account = workspace.team_id
        channel.settings = {**channel.settings, **workspace.as_settings()}
        findings = [Finding("Token", ok=True, detail=f"The workspace {workspace.team} knows the app.")]
        findings.append(_scopes(workspace.scopes))
        findings.append(await _reachable(helpdesk, api, secrets.app_token))
        findings += [await _place(client, place) for place in sorted(settings_of(channel).places)]
    return findings


def _scopes(granted: frozenset[str]) -> Finding:
    missing = [scope for scope in SCOPES if scope not in granted]
    if missing:
        detail = f"The app lacks {', '.join(missing)}. Install it again with the manifest of docs/slack.md."
        return Finding("Permissions", ok=False, detail=detail)
    return Finding("Permissions", ok=True, detail="The app may do what it needs to.")


async def _reachable(helpdesk: Helpdesk, api: SlackApi, app_token: str) -> Finding:
    if app_token:
        try:
            await open_socket(api, app_token)
        except SlackError as error:
            detail = f"The app-level token opens no socket: {error.detail}"
            return Finding("Socket Mode", ok=False, detail=detail)
        return Finding("Socket Mode", ok=True, detail="The app-level token opens a socket.")
    ok = bool(helpdesk.settings.slack_signing_secret.get_secret_value())
    return Finding("Requests", ok=ok, detail="Slack's requests are checked and served." if ok else UNREACHABLE)


async def _place(client: SlackClient, place: str) -> Finding:
    try:
        found = await client.channel(place)
    except SlackError as error:
        return Finding(f"Channel {place}", ok=False, detail=error.detail)
    if found.archived:
        return Finding(f"#{found.name}", ok=False, detail="It is archived. Unarchive it, or choose another.")
    if not found.joined:
        return Finding(f"#{found.name}", ok=False, detail="The app is not in it: /invite @Deskhand there.")
    return Finding(f"#{found.name}", ok=True, detail="Tickets can be posted.")
