"""What the buttons below messages do. Whoever writes their own client may press what they never saw: nothing is
taken from a button but what belongs to the chat it is in."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from telegram import Bot, CallbackQuery, Message
from telegram.error import BadRequest

from connectors.telegram import inbound, keyboards
from connectors.telegram.keyboards import FACES, Press
from connectors.telegram.words import LANGUAGES, say
from core import ratings, retention
from core.errors import AppError
from core.helpdesk import Helpdesk
from core.messages import InboundMessage, Person
from core.models import Channel, Conversation, Customer, Ticket
from core.models import Message as StoredMessage
from core.tenancy import Scope


class Presses:
    def __init__(self, helpdesk: Helpdesk) -> None:
        self._helpdesk = helpdesk

    async def run(self, bot: Bot, channel: Channel, query: CallbackQuery) -> None:
        """Answers every press: an unanswered one shows a clock for a minute."""
        press = keyboards.read(query.data or "")
        message = query.message
        words = say("unfit", query.from_user.language_code)
        if press and isinstance(message, Message):
            customer_id = await self._customer(channel, _author(message, query))
            if customer_id:
                words = await self._do(channel, message, query, press, customer_id)
        with suppress(BadRequest):  # pressed so long ago that nobody waits any more
            await query.answer(words)

    async def _do(
        self, channel: Channel, message: Message, query: CallbackQuery, press: Press, customer_id: UUID
    ) -> str:
        async with self._helpdesk.db.read(channel.organization_id) as scope:
            language = (await scope.get(Customer, customer_id)).language
        match press.what:
            case "helpful":
                return await self._helpful(channel, message, press, customer_id, language)
            case "person":
                return await self._person(channel, message, query, language)
            case "rate":
                return await self._rate(channel, message, press, customer_id, language)
            case "language":
                return await self._language(channel, message, press, customer_id)
            case "erase":
                return await self._erase(channel, message, press, customer_id, language)

    async def _helpful(
        self, channel: Channel, message: Message, press: Press, customer_id: UUID, language: str | None
    ) -> str:
        try:
            answer_id = UUID(press.about)
        except ValueError:
            return say("unfit", language)
        async with self._helpdesk.db.write(channel.organization_id) as scope:
            ours = scope.select(Conversation, Conversation.id).where(Conversation.customer_id == customer_id)
            await scope.session.execute(
                scope.update(StoredMessage)
                .where(StoredMessage.id == answer_id, StoredMessage.author == "ai")
                .where(StoredMessage.conversation_id.in_(ours))
                .values(helpful=press.value == "1")
            )
        left = None if press.value == "1" else keyboards.person_only(language)
        with suppress(BadRequest):  # not modified: pressed twice
            await message.edit_reply_markup(left)
        return say("thanks", language)

    async def _person(self, channel: Channel, message: Message, query: CallbackQuery, language: str | None) -> str:
        await self._helpdesk.inbox.receive(
            InboundMessage(
                organization_id=channel.organization_id,
                channel_id=channel.id,
                external_id=f"press:{query.id}",
                author=_author(message, query),
                text=say("human", language),
                thread=inbound.thread_of(message),
            )
        )
        with suppress(BadRequest):
            await message.edit_reply_markup(None)
        return say("thanks", language)

    async def _rate(
        self, channel: Channel, message: Message, press: Press, customer_id: UUID, language: str | None
    ) -> str:
        if not (press.about.isdigit() and press.value.isdigit()):
            return say("unfit", language)
        number, score = int(press.about[:9]), int(press.value[:2])
        try:
            async with self._helpdesk.db.write(channel.organization_id) as scope:
                if not await _has_ticket(scope, customer_id, number):
                    return say("unfit", language)
                await ratings.rate(scope, self._helpdesk.outbox, number, score)
        except AppError:
            return say("unfit", language)
        with suppress(BadRequest):
            await message.edit_text(f"{say('rated', language)} {FACES[score - 1]}")
        return say("thanks", language)

    async def _language(self, channel: Channel, message: Message, press: Press, customer_id: UUID) -> str:
        if press.about not in LANGUAGES:
            return say("unfit", None)
        async with self._helpdesk.db.write(channel.organization_id) as scope:
            await scope.session.execute(
                scope.update(Customer).where(Customer.id == customer_id).values(language=press.about)
            )
        with suppress(BadRequest):
            await message.edit_text(say("language_set", press.about))
        return say("thanks", press.about)

    async def _erase(
        self, channel: Channel, message: Message, press: Press, customer_id: UUID, language: str | None
    ) -> str:
        if press.about == "yes":
            async with self._helpdesk.db.write(channel.organization_id) as scope:
                await retention.erase(scope, customer_id)
            with suppress(BadRequest):
                await message.edit_text(say("erased", language))
            return ""
        with suppress(BadRequest):
            if press.about == "ask":
                await message.edit_text(say("erase_sure", language), reply_markup=keyboards.really_erase(language))
            else:
                await message.edit_reply_markup(None)
        return ""

    async def _customer(self, channel: Channel, author: Person) -> UUID | None:
        async with self._helpdesk.db.read(channel.organization_id) as scope:
            return await retention.customer_of(scope, channel.id, author.external_id)


def _author(message: Message, query: CallbackQuery) -> Person:
    """Who pressed, as the channel knows who writes."""
    user = query.from_user
    name = "" if inbound.is_private(message) else f"{message.chat.id}:{message.message_thread_id or 0}:"
    return Person(f"{name}{user.id}", user.full_name, language=user.language_code, verified=True)


async def _has_ticket(scope: Scope, customer_id: UUID, number: int) -> bool:
    found = await scope.session.scalar(
        scope.select(Ticket, Ticket.id)
        .join(Conversation, Conversation.id == Ticket.conversation_id)
        .where(Ticket.number == number, Conversation.customer_id == customer_id)
    )
    return found is not None
