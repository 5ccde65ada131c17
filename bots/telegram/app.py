"""The bot that customers talk to: an update comes in, and when `handle()` returns, what matters of it is stored.

The updates are dispatched here, and not by `telegram.ext.Application`, because that swallows what goes wrong in a
handler: an update whose message could not be stored has to stay unacknowledged.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import DataError, IntegrityError
from telegram import Bot, CallbackQuery, ChatMember, ChatMemberUpdated, Message, Update
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bots.telegram.commands import Commands
from bots.telegram.presses import Presses
from connectors.telegram import inbound
from connectors.telegram.client import Bots, Unreadable, read
from connectors.telegram.migration import move
from core import alerts
from core.db import UNAVAILABLE
from core.events import message_topic
from core.helpdesk import Helpdesk
from core.messages import JsonObject, Person
from core.models import Channel
from core.models import Message as StoredMessage

IGNORED = Counter("deskhand_telegram_ignored_updates_total", "Updates of kinds that the bot does not know.", ["kind"])
ALLOWED = [
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.MY_CHAT_MEMBER,
]
"""The kinds of updates that Telegram is asked for."""
BEFORE_TYPING_S = 0.4
TYPING_S = 4.5
"""Telegram shows it for five seconds. https://core.telegram.org/bots/api#sendchataction"""
MOST_TYPING = 20
MOST_TRIES = 3
PAUSE_S = 0.5
AWAY = (*UNAVAILABLE, NetworkError, RetryAfter)
BROKEN_BY_US = (DataError, IntegrityError, BadRequest)
"""What no second try mends, though its kind is among those of `AWAY`."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is on Telegram."""

    id: int
    username: str


class CustomerBot:
    """One process's bots, for every channel of the kind."""

    def __init__(self, helpdesk: Helpdesk) -> None:
        self._helpdesk = helpdesk
        self.bots = Bots(helpdesk.settings, helpdesk.box)
        self._commands = Commands(helpdesk)
        self._presses = Presses(helpdesk)
        self._me: dict[UUID, tuple[Bot, Me]] = {}
        self._typing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        for task in self._typing:
            task.cancel()
        await asyncio.gather(*self._typing, return_exceptions=True)
        await self.bots.aclose()

    async def me(self, channel: Channel) -> Me:
        """Raises `TelegramError`."""
        bot = self.bots.of(channel)
        known = self._me.get(channel.id)
        if known is None or known[0] is not bot:
            user = await bot.get_me()
            known = self._me[channel.id] = (bot, Me(user.id, user.username or ""))
        return known[1]

    async def handle(self, channel: Channel, raw: JsonObject) -> None:
        """Stores what the update brings; handled twice, it changes nothing. What it raises leaves it to be repeated.

        That is so while the database or Telegram is away. An update that cannot be read, or that fails by itself after
        a few tries, is put aside with an alert, so that those behind it get their turn.
        """
        try:
            update = read(raw, self.bots.of(channel))
        except Unreadable as error:
            log.warning("telegram.update_unreadable", update=raw.get("update_id"), reason=str(error))
            return await self._put_aside(channel, raw, error)
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return await self._handle(channel, update)
            except Exception as error:
                if isinstance(error, AWAY) and not isinstance(error, BROKEN_BY_US):
                    raise
                log.exception("telegram.update_failed", update=update.update_id, attempt=attempt)
                failure = error
            await asyncio.sleep(PAUSE_S)
        return await self._put_aside(channel, raw, failure)

    async def _put_aside(self, channel: Channel, raw: JsonObject, failure: Exception) -> None:
        IGNORED.labels("failed").inc()
        what = f"Update {raw.get('update_id')} could not be read ({type(failure).__name__}); the log has more."
        async with self._helpdesk.db.write(channel.organization_id) as scope:
            await alerts.raise_alert(scope, f"unread:{channel.id}", f"The channel {channel.name!r}: {what}")

    async def _handle(self, channel: Channel, update: Update) -> None:
        if update.message:
            await self._message(channel, update.message)
        elif update.edited_message:
            await self._edited(channel, update.edited_message)
        elif update.callback_query:
            await self._pressed(channel, update.callback_query)
        elif update.my_chat_member:
            _note_membership(channel, update.my_chat_member)
        else:
            IGNORED.labels(_kind(update)).inc()

    async def _message(self, channel: Channel, message: Message) -> None:
        if message.migrate_to_chat_id:
            await move(self._helpdesk.db, channel, message.chat.id, message.migrate_to_chat_id)
            return
        author = inbound.author_of(message)
        if author is None or (not inbound.is_private(message) and not await self._meant(channel, message)):
            return
        me = await self.me(channel)
        command = _command(message, me.username)
        if command is not None:
            await self._commands.run(self.bots.of(channel), channel, message, author, *command)
        else:
            await self._question(channel, message, author, me)

    async def _meant(self, channel: Channel, message: Message) -> bool:
        if not channel.settings.get("groups"):
            return False
        me = await self.me(channel)
        return inbound.is_for_us(message, me.username, me.id)

    async def _question(self, channel: Channel, message: Message, author: Person, me: Me) -> None:
        text = inbound.text_of(message, me.username)
        files = inbound.files_of(message)
        if not text and not files:
            IGNORED.labels(_content(message)).inc()  # a service message: somebody joined, a title changed
            return
        bot = self.bots.of(channel)
        attachments, missing = await inbound.fetch(bot, files)
        text = "\n\n".join([text, *missing])
        received = inbound.to_inbound(message, author, channel, text, attachments=attachments)
        receipt = await self._helpdesk.inbox.receive(received)
        if receipt.duplicate and message.media_group_id:
            known = channel.organization_id, channel.id, received.external_id
            await self._helpdesk.inbox.attach(*known, attachments, text)
        if not receipt.duplicate:
            self._show_typing(bot, channel, message, receipt.message_id)

    async def _edited(self, channel: Channel, message: Message) -> None:
        """A change may come before what it changes: then it is the message."""
        if inbound.author_of(message) is None or message.media_group_id:
            return
        me = await self.me(channel)
        text, known = inbound.text_of(message, me.username), inbound.external_id(message)
        where = channel.organization_id, channel.id
        if not await self._helpdesk.inbox.edit(*where, known, text, message.edit_date):
            await self._message(channel, message)

    async def _pressed(self, channel: Channel, query: CallbackQuery) -> None:
        await self._presses.run(self.bots.of(channel), channel, query)

    def _show_typing(self, bot: Bot, channel: Channel, message: Message, message_id: UUID) -> None:
        task = asyncio.create_task(self._type(bot, channel, message, message_id))
        self._typing.add(task)
        task.add_done_callback(self._typing.discard)

    async def _type(self, bot: Bot, channel: Channel, message: Message, message_id: UUID) -> None:
        """Says that somebody is writing, while the turn of the message goes on."""
        with self._helpdesk.events.subscribe(message_topic(message_id)) as done:
            pause = BEFORE_TYPING_S
            for _ in range(MOST_TYPING):
                try:
                    async with asyncio.timeout(pause):
                        await done.get()
                except TimeoutError:
                    pause = TYPING_S
                else:
                    return
                if await self._is_done(channel, message_id):  # before we listened
                    return
                try:
                    await bot.send_chat_action(
                        message.chat.id, "typing", message_thread_id=inbound.thread_of(message).get("topic")
                    )
                except TelegramError as error:
                    log.info("telegram.no_typing", reason=error.message)
                    return

    async def _is_done(self, channel: Channel, message_id: UUID) -> bool:
        async with self._helpdesk.db.read(channel.organization_id) as scope:
            return (await scope.get(StoredMessage, message_id)).state == "done"


def _command(message: Message, username: str) -> tuple[str, str] | None:
    """(name, what follows it) of a command that is for this bot: /start, /link dana@example.com, /human@ThisBot."""
    text = message.text or ""
    if not text.startswith("/"):
        return None
    first, _, rest = text.partition(" ")
    name, _, addressed = first[1:].partition("@")
    if addressed and addressed.lower() != username.lower():
        return None
    return name.lower(), rest.strip()


def _note_membership(channel: Channel, change: ChatMemberUpdated) -> None:
    """Blocked, or let in again. A reply to who blocked the bot is refused by Telegram, and the agents are told then."""
    blocked = change.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
    log.info("telegram.membership", channel=str(channel.id), blocked=blocked)


def _kind(update: Update) -> str:
    """The name of what the update holds."""
    names = [name for name in update.to_dict() if name != "update_id"]
    return names[0] if names else "unknown"


def _content(message: Message) -> str:
    known = {"message_id", "date", "chat", "from", "message_thread_id", "sender_chat", "is_topic_message"}
    names = [name for name, value in message.to_dict().items() if value is not False and name not in known]
    return names[0] if names else "empty"
