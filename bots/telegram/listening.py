"""How updates reach us: asked for by long polling, or called in by Telegram."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from telegram import Bot, BotCommand
from telegram.error import TelegramError, TimedOut

from bots.telegram.app import ALLOWED, AWAY, CustomerBot
from connectors.telegram.client import POLL_SECONDS, RawBot, as_delivery_error, secret_token
from connectors.telegram.words import COMMANDS
from core.messages import JsonObject
from core.models import Channel
from core.outbox import DeliveryError
from core.settings import Settings

AT_ONCE = 100
"""Updates a poll: the most that Telegram gives."""
WATCH_SECONDS = 60
CONNECTIONS = 40
Healthy = Callable[[], Awaitable[None]]
log = structlog.get_logger()


async def listen(bot: CustomerBot, settings: Settings, channel: Channel, healthy: Healthy) -> None:
    """Until cancelled. Raises `DeliveryError` when Telegram fails or refuses."""
    api = bot.bots.of(channel)
    try:
        await bot.me(channel)
        await _announce(api)
        if channel.settings.get("mode") == "webhook":
            await _be_called(api, settings, channel, healthy)
        else:
            await _Poller(bot, channel, api, healthy).run()
    except TelegramError as error:
        raise as_delivery_error(error, channel) from error


async def _announce(api: Bot) -> None:
    """The commands that Telegram's menu shows, in each language of ours."""
    for language, commands in COMMANDS.items():
        listed = [BotCommand(name, what) for name, what in commands.items()]
        await api.set_my_commands(listed, language_code=None if language == "en" else language)


async def _be_called(api: Bot, settings: Settings, channel: Channel, healthy: Healthy) -> None:
    """Tells Telegram where to call, and watches whether it can. Updates that waited are kept."""
    if settings.public_url is None:
        raise DeliveryError(
            "Telegram does not know where to call. Set DESKHAND_PUBLIC_URL to your https address, or choose polling.",
            permanent=False,
        )
    address = f"{str(settings.public_url).rstrip('/')}/telegram/{channel.public_key}"
    await api.set_webhook(
        address,
        secret_token=secret_token(settings, channel),
        allowed_updates=ALLOWED,
        max_connections=CONNECTIONS,
        drop_pending_updates=False,
    )
    complained = None
    await healthy()
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        status = await api.get_webhook_info()
        if status.url != address:
            raise DeliveryError(
                f"Another program has taken the messages of {channel.name!r}: Telegram calls {status.url or 'nobody'}. "
                "Stop it, or give this channel a bot of its own.",
                permanent=False,
            )
        if status.last_error_date and status.last_error_date != complained and status.pending_update_count:
            complained = status.last_error_date
            raise DeliveryError(f"Telegram cannot call us: {status.last_error_message}.", permanent=False)


class _Poller:
    """The offset moves on once the updates before it are stored, and not before: asking with a higher one is what
    acknowledges them. https://core.telegram.org/bots/api#getupdates"""

    def __init__(self, bot: CustomerBot, channel: Channel, api: RawBot, healthy: Healthy) -> None:
        self._bot = bot
        self._channel = channel
        self._api = api
        self._healthy = healthy
        self._failures = 0

    async def run(self) -> None:
        await self._api.delete_webhook(drop_pending_updates=False)
        offset: int | None = None
        well = False
        while True:
            updates: list[JsonObject] = []
            with suppress(TimedOut):
                updates = await self._api.raw_updates(offset, AT_ONCE, POLL_SECONDS if well else 0, ALLOWED)
            if not well:
                await self._healthy()
                well = True
            if updates:
                offset = await self._work(updates)

    async def _work(self, updates: list[JsonObject]) -> int:
        """Works the chats side by side, each in order. Returns the offset to go on from."""
        chats: dict[object, list[JsonObject]] = defaultdict(list)
        for update in updates:
            chats[_chat_of(update)].append(update)
        done: set[int] = set()
        await asyncio.gather(*(self._chat(in_order, done) for in_order in chats.values()))
        for update in updates:
            if update["update_id"] not in done:
                return int(update["update_id"])  # it and what is behind it come again; most of that is a no-op then
        return int(updates[-1]["update_id"]) + 1

    async def _chat(self, updates: list[JsonObject], done: set[int]) -> None:
        for update in updates:
            if not await self._one(update):
                return
            done.add(update["update_id"])

    async def _one(self, update: JsonObject) -> bool:
        """False while the database or Telegram is away: then it has to come again, however often that is."""
        try:
            await self._bot.handle(self._channel, update)
        except AWAY as error:
            self._failures += 1
            log.warning("telegram.update_waits", update=update["update_id"], reason=str(error))
            await asyncio.sleep(min(2.0**self._failures, 20.0))
            return False
        self._failures = 0
        return True


def _chat_of(update: JsonObject) -> object:
    """What has to be worked in order; None for what belongs to no chat."""
    for content in update.values():
        if isinstance(content, dict):
            holder = content.get("message") if isinstance(content.get("message"), dict) else content
            chat = holder.get("chat")
            return chat.get("id") if isinstance(chat, dict) else None
    return None
