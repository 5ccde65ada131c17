"""Customers with Telegram on their phones, and a shop that they can write to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import HttpUrl

from core.helpdesk import Helpdesk
from core.models import Channel, new_id
from tests import servers
from tests.cast import Shop
from tests.standins.telegram_server import TelegramServer
from tests.standins.telegram_world import Bot, Chat, Json, Phone
from tests.waiting import until
from web.listeners import listening

Mode = Literal["polling", "webhook"]


@dataclass(frozen=True, slots=True)
class Line:
    """A shop's bot at Telegram, connected to the helpdesk."""

    server: TelegramServer
    helpdesk: Helpdesk
    shop: Shop
    bot: Bot
    channel: Channel
    base: str
    """The helpdesk's address."""

    def phone(self, name: str = "Dana", language: str = "en", chat: Chat | None = None) -> Phone:
        person = self.server.world.person(name, language)
        return Phone(self.server.world, self.bot, person, chat) if chat else self.server.world.phone(person, self.bot)

    async def heard(self) -> None:
        """Returns once nothing waits at Telegram any more."""

        async def nothing_waits() -> bool:
            return not self.bot.updates

        await until(nothing_waits)


async def reply(phone: Phone, number: int = 1) -> Json:
    """The bot's `number`th message, once it is there."""

    async def there() -> Json | None:
        received = phone.received
        return received[number - 1] if len(received) >= number else None

    found: Json = await until(there)
    return found


async def says(phone: Phone, text: str) -> Json:
    """The bot's newest message with `text` in it, once it is there."""

    async def there() -> Json | None:
        return next((m for m in reversed(phone.received) if text in m.get("text", m.get("caption", ""))), None)

    try:
        found: Json = await until(there)
    except TimeoutError:
        raise AssertionError(f"{text!r} is not in {phone.texts}") from None
    return found


async def channel_of(helpdesk: Helpdesk, shop: Shop, token: str, mode: Mode = "polling", **settings: Any) -> Channel:
    """A Telegram channel, stored without asking Telegram."""
    kept = {"mode": mode, "groups": False, **settings}
    async with helpdesk.db.write(shop.id) as scope:
        channel = helpdesk.channels.draft("telegram", "Our bot", kept, {"token": token})
        channel.id = new_id()
        return helpdesk.channels.create(scope, channel)


@asynccontextmanager
async def connected(
    helpdesk: Helpdesk, shop: Shop, server: TelegramServer, mode: Mode = "polling", **settings: Any
) -> AsyncIterator[Line]:
    """Connected, and listening."""
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(servers.in_process(helpdesk))
        helpdesk.settings.public_url = HttpUrl(base)
        bot = server.world.bot("acme_help_bot")
        channel = await channel_of(helpdesk, shop, bot.token, mode, **settings)
        await stack.enter_async_context(listening(helpdesk))
        line = Line(server, helpdesk, shop, bot, channel, base)
        await until(lambda: _listens(line, mode))
        yield line


async def _listens(line: Line, mode: Mode) -> bool:
    await asyncio.sleep(0)
    return bool(line.bot.webhook["url"]) if mode == "webhook" else line.bot.pollers > 0
