"""Socket Mode: for one organization on its own machine, which Slack cannot reach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bots.slack_desk.app import SlackDeskApp
from connectors.slack import checking
from connectors.slack.client import SlackApi, open_socket
from connectors.slack.settings import secrets_of
from core.helpdesk import Helpdesk
from core.models import Channel


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


async def note_account(helpdesk: Helpdesk, channel: Channel) -> None:
    """Asks Slack which workspace the channel's token is for."""
    await checking.check(helpdesk, channel)
    if channel.account:
        async with helpdesk.db.write(channel.organization_id) as scope:
            values = {"account": channel.account, "settings": channel.settings}
            await helpdesk.channels.change(scope, channel.id, **values)
