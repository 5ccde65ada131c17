"""Telegram's bots, one for each channel, over connections that all of them share."""

from __future__ import annotations

from uuid import UUID

from telegram import Bot, Update
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from core.messages import JsonObject
from core.models import Channel
from core.outbox import DeliveryError
from core.secrets import SecretBox, derive
from core.settings import Settings

PATIENCE_S = 10
POLL_SECONDS = 25
"""How long Telegram holds a poll open while there is nothing new."""


class RawBot(Bot):
    """Gives updates as they came. `get_updates` reads a batch as a whole: of one that the library cannot read, as
    Telegram knows more by now, it would fail with all the others, again and again."""

    async def raw_updates(self, offset: int | None, limit: int, seconds: int, kinds: list[str]) -> list[JsonObject]:
        """Raises `TelegramError`."""
        wanted = {"offset": offset, "limit": limit, "timeout": seconds, "allowed_updates": kinds}
        updates: list[JsonObject] = await self._post("getUpdates", wanted, read_timeout=seconds + PATIENCE_S)
        return updates


def read(raw: JsonObject, bot: Bot) -> Update:
    """Raises `Unreadable`."""
    try:
        return Update.de_json(raw, bot)
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


class Unreadable(Exception):
    """An update that the library does not understand."""


class Bots:
    """A bot of python-telegram-bot for each channel."""

    def __init__(self, settings: Settings, box: SecretBox) -> None:
        self.settings = settings
        self.box = box
        self._requests: tuple[HTTPXRequest, HTTPXRequest] | None = None
        self._bots: dict[UUID, tuple[str, RawBot]] = {}

    def of(self, channel: Channel) -> RawBot:
        """The channel's bot; made anew when its token has changed."""
        token = self.box.open(channel.sealed_secrets).get("token", "")
        known = self._bots.get(channel.id)
        if known is None or known[0] != token:
            known = self._bots[channel.id] = (token, self._make(token))
        return known[1]

    def _make(self, token: str) -> RawBot:
        if self._requests is None:
            # Made at first use: an installation without a bot needs no connections.
            self._requests = (
                HTTPXRequest(connection_pool_size=64, read_timeout=20.0, pool_timeout=10.0),
                HTTPXRequest(connection_pool_size=512, read_timeout=POLL_SECONDS + PATIENCE_S),
            )
        request, polling = self._requests
        server = str(self.settings.telegram_api_url).rstrip("/")
        return RawBot(
            token or "none",
            base_url=f"{server}/bot",
            base_file_url=f"{server}/file/bot",
            request=request,
            get_updates_request=polling,
        )

    async def aclose(self) -> None:
        for request in self._requests or ():
            await request.shutdown()


def bot_id(bot: Bot) -> str:
    """A token begins with the id of its bot."""
    return bot.token.partition(":")[0]


def secret_token(settings: Settings, channel: Channel) -> str:
    """What Telegram has to send along with every update of the channel's webhook."""
    return derive(settings.key(), f"deskhand/telegram/{channel.id}").hex()


def as_delivery_error(error: TelegramError, channel: Channel) -> DeliveryError:
    """What went wrong, and whether trying again is useless. https://core.telegram.org/api/errors"""
    name = channel.name
    match error:
        case RetryAfter():
            seconds = error._retry_after.total_seconds()  # noqa: SLF001 - the public one warns of its coming type
            return DeliveryError(f"Telegram asks us to wait {seconds:.0f} s.", permanent=False, retry_after=seconds)
        case InvalidToken():
            remedy = "Get a new one from @BotFather and enter it under Channels."
            return DeliveryError(
                f"Telegram no longer takes the token of {name!r}. {remedy}", permanent=True, channel_broken=True
            )
        case Conflict():
            return DeliveryError(
                f"Another program receives the messages of {name!r} with the same token ({error.message}). Stop it.",
                permanent=False,
            )
        case Forbidden():
            return DeliveryError(
                f"The customer cannot be reached on Telegram ({error.message}). Reach them in another way.",
                permanent=True,
            )
        case BadRequest() | ChatMigrated():
            return DeliveryError(f"Telegram refused the message ({error.message}).", permanent=True)
        case _:
            return DeliveryError(f"Telegram does not answer ({error.message}).", permanent=False)
