"""Where Telegram calls with updates: one address for each channel in webhook mode."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from sqlalchemy import select

from bots.telegram.app import CustomerBot
from connectors.telegram.client import secret_token
from core.errors import BadInput, NotFound, Unauthenticated
from core.models import Channel
from web.auth import Desk

router = APIRouter(include_in_schema=False)
Secret = Annotated[str, Header(alias="X-Telegram-Bot-Api-Secret-Token")]


@router.post("/telegram/{public_key}")
async def update(public_key: str, request: Request, desk: Desk, secret: Secret = "") -> Response:
    """200 once the update is stored; anything else makes Telegram call again."""
    channel = await _channel(desk, public_key)
    if not hmac.compare_digest(secret.encode(), secret_token(desk.settings, channel).encode()):
        raise Unauthenticated("The secret token is missing or wrong.")
    try:
        received = await request.json()
    except ValueError:
        received = None
    if not isinstance(received, dict) or not isinstance(received.get("update_id"), int):
        raise BadInput("This is no update.")
    bot: CustomerBot = request.app.state.telegram
    await bot.handle(channel, received)
    return Response()


async def _channel(desk: Desk, public_key: str) -> Channel:
    async with desk.db.system() as scope:
        channel = await scope.session.scalar(
            select(Channel).where(Channel.public_key == public_key, Channel.kind == "telegram")
        )
    if channel is None or channel.disabled_at or channel.settings.get("mode") != "webhook":
        raise NotFound("There is no such bot.")
    return channel
