"""Socket Mode: for one organization on its own machine, which Slack cannot reach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from sqlalchemy import select

from bots.slack_desk.acting import channels_of
from bots.slack_desk.app import SlackDeskApp
from connectors.slack import checking, oauth
from connectors.slack.client import SlackApi, SlackError, open_socket
from connectors.slack.settings import secrets_of
from core.helpdesk import Helpdesk
from core.models import Channel, Organization

SEVERAL = (
    "DESKHAND_SLACK_BOT_TOKEN and _APP_TOKEN serve an installation with one organization. Connect the workspaces of "
    "several under Channels."
)
log = structlog.get_logger()


async def listen(helpdesk: Helpdesk, channel: Channel, healthy: Callable[[], Awaitable[None]]) -> None:
    """Runs until cancelled. Without an app-level token Slack calls us, and there is nothing to listen for."""
    if channel.account is None:
        await note_account(helpdesk, channel)
    app_token = secrets_of(channel, helpdesk.box).app_token
    if not app_token:
        await asyncio.Event().wait()
    async with SlackApi(helpdesk.settings.slack_api_url) as api:
        await open_socket(api, app_token)  # raises what is wrong, where the handler would only log it
        app = SlackDeskApp(helpdesk, api, helpdesk.settings.address)
        handler = AsyncSocketModeHandler(app.bolt, app_token, web_client=api.sdk())
        async with app.running():
            try:
                await handler.connect_async()
                await healthy()
                await asyncio.Event().wait()
            finally:
                await handler.close_async()


async def adopt(helpdesk: Helpdesk) -> None:
    """Makes a channel of the two tokens in the settings, for the one organization of this installation, once."""
    settings = helpdesk.settings
    bot_token, app_token = settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value()
    if not bot_token or not app_token:
        return
    async with SlackApi(settings.slack_api_url) as api:
        try:
            workspace = await api.with_token(bot_token).workspace()
        except SlackError as error:
            log.warning("slack.not_connected", reason=error.detail)
            return
    async with helpdesk.db.system() as scope:
        owners = list(await scope.session.scalars(select(Organization.id).order_by(Organization.id).limit(2)))
        if await channels_of(scope, workspace.team_id):
            return
    if len(owners) != 1:
        log.warning("slack.not_connected", reason=SEVERAL)
        return
    await oauth.keep(helpdesk, owners[0], workspace, bot_token, app_token)


async def note_account(helpdesk: Helpdesk, channel: Channel) -> None:
    """Asks Slack which workspace the channel's token is for."""
    await checking.check(helpdesk, channel)
    if channel.account:
        async with helpdesk.db.write(channel.organization_id) as scope:
            values = {"account": channel.account, "settings": channel.settings}
            await helpdesk.channels.change(scope, channel.id, **values)
