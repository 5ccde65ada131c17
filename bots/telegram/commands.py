"""What customers can command: /start, /human, /new, /status, /language, /link, /privacy.

A command is stored like a message, but answered here. Stored once, it is carried out once.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from limits import RateLimitItemPerHour
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from telegram import Bot, Message

from connectors.telegram import inbound
from connectors.telegram.words import COMMANDS, say, spoken
from core import linking, retention
from core.accounts import OrganizationSettings, organization
from core.errors import BadInput, RateLimited
from core.helpdesk import Helpdesk
from core.inbox import Receipt
from core.messages import MessageKind, Person
from core.models import Channel, Conversation, Customer, Ticket, new_id
from core.models import Message as Stored
from core.outbox import DeliveryError, NewMessage, Place
from core.tenancy import Scope

MOST_TICKETS = 5
CODES = RateLimitItemPerHour(5)
"""For one customer, and to one address, whoever asks for them."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, stored, with what carrying it out needs."""

    bot: Bot
    channel: Channel
    message: Message
    author: Person
    rest: str
    receipt: Receipt
    language: str
    settings: OrganizationSettings
    shop: str


class Commands:
    def __init__(self, helpdesk: Helpdesk) -> None:
        self._helpdesk = helpdesk
        self._codes = MovingWindowRateLimiter(MemoryStorage())
        self._known = {
            "start": self._start,
            "new": self._new,
            "status": self._status,
            "language": self._language,
            "link": self._link,
            "privacy": self._privacy,
        }

    async def run(self, bot: Bot, channel: Channel, message: Message, author: Person, name: str, rest: str) -> None:
        if name == "human":
            await self.ask_for_person(channel, message, author)
            return
        fresh = new_id() if name == "new" else None
        received = inbound.to_inbound(message, author, channel, message.text or "", silent=True, conversation_id=fresh)
        receipt = await self._helpdesk.inbox.receive(received)
        if receipt.duplicate and await self._replied(channel, receipt):
            return
        async with self._helpdesk.db.read(channel.organization_id) as scope:
            shop = await organization(scope)
            language = await _language(scope, receipt.conversation_id)
        settings = OrganizationSettings.model_validate(shop.settings)
        command = Command(bot, channel, message, author, rest, receipt, language, settings, shop.name)
        await self._known.get(name, self._unknown)(command)

    async def ask_for_person(self, channel: Channel, message: Message, author: Person) -> None:
        """The same way as whoever asks for a person in words of their own."""
        words = say("human", author.language)
        await self._helpdesk.inbox.receive(inbound.to_inbound(message, author, channel, words))

    async def _start(self, command: Command) -> None:
        await self._say(command, command.settings.greeting, kind="greeting")

    async def _new(self, command: Command) -> None:
        await self._say(command, say("new", command.language))

    async def _status(self, command: Command) -> None:
        async with self._helpdesk.db.read(command.channel.organization_id) as scope:
            conversation = await scope.get(Conversation, command.receipt.conversation_id)
            tickets = await scope.session.scalars(
                scope.select(Ticket)
                .join(Conversation, Conversation.id == Ticket.conversation_id)
                .where(Conversation.customer_id == conversation.customer_id, Ticket.resolution.is_distinct_from("spam"))
                .order_by(Ticket.number.desc())
                .limit(MOST_TICKETS)
            )
            lines = [f"- #{ticket.number} {ticket.subject}: {_state(ticket, command.language)}" for ticket in tickets]
        text = (
            "\n".join([say("tickets", command.language), "", *lines]) if lines else say("no_tickets", command.language)
        )
        await self._say(command, text)

    async def _language(self, command: Command) -> None:
        await self._say(command, say("language", command.language), kind="language")

    async def _privacy(self, command: Command) -> None:
        async with self._helpdesk.db.read(command.channel.organization_id) as scope:
            conversation = await scope.get(Conversation, command.receipt.conversation_id)
            kept = await retention.kept(scope, conversation.customer_id)
        counts = say(
            "kept",
            command.language,
            conversations=kept.conversations,
            messages=kept.messages,
            tickets=kept.tickets,
        )
        parts = [say("privacy", command.language), counts, command.settings.privacy_url or ""]
        await self._say(command, "\n\n".join(filter(None, parts)), kind="privacy")

    async def _link(self, command: Command) -> None:
        customer_id = await self._customer(command)
        if command.rest.replace(" ", "").isdigit():
            async with self._helpdesk.db.write(command.channel.organization_id) as scope:
                email = await linking.confirm(scope, customer_id, command.rest.replace(" ", ""))
            wrong = say("link_wrong", command.language)
            await self._say(command, say("linked", command.language, email=email) if email else wrong)
        else:
            await self._send_code(command, customer_id)

    async def _send_code(self, command: Command, customer_id: UUID) -> None:
        mailer = self._helpdesk.connected.mailer
        if mailer is None:
            await self._say(command, say("no_mail", command.language))
            return
        try:
            await self._check_pace(customer_id, command.rest.strip().lower())
            async with self._helpdesk.db.write(command.channel.organization_id) as scope:
                email, code = await linking.begin(scope, customer_id, command.rest)
            subject = say("code_subject", command.language, code=code)
            await mailer.mail(email, subject, say("code_text", command.language, code=code, name=command.shop))
        except BadInput:
            await self._say(command, say("link", command.language))
        except RateLimited:
            await self._say(command, say("link_often", command.language))
        except DeliveryError:
            await self._say(command, say("mail_later", command.language))
        else:
            await self._say(command, say("link_sent", command.language, email=email))

    async def _check_pace(self, customer_id: UUID, address: str) -> None:
        """Nobody's mailbox is filled, and no code is guessed. Raises `RateLimited`."""
        for whose in (str(customer_id), address):
            if not await self._codes.hit(CODES, whose):
                raise RateLimited("These were too many codes in an hour.")

    async def _unknown(self, command: Command) -> None:
        known = COMMANDS[spoken(command.language)]
        lines = [say("unknown", command.language), "", *(f"/{name} – {what}" for name, what in known.items())]
        await self._say(command, "\n".join(lines))

    async def _say(self, command: Command, text: str, kind: MessageKind = "message") -> None:
        """Through the outbox, like everything that belongs to the conversation."""
        place = Place(command.receipt.conversation_id, command.channel.id, command.channel.kind)
        said = NewMessage(
            author="system",
            speaker=command.settings.assistant_name,
            kind=kind,
            text=text,
            reply_to_id=command.receipt.message_id,
        )
        async with self._helpdesk.db.write(command.channel.organization_id) as scope:
            await self._helpdesk.outbox.post(scope, place, said)

    async def _replied(self, channel: Channel, receipt: Receipt) -> bool:
        """Not so if a process died between storing the command and carrying it out."""
        async with self._helpdesk.db.read(channel.organization_id) as scope:
            found = await scope.session.scalar(
                scope.select(Stored, Stored.id).where(Stored.reply_to_id == receipt.message_id)
            )
        return found is not None

    async def _customer(self, command: Command) -> UUID:
        async with self._helpdesk.db.read(command.channel.organization_id) as scope:
            return (await scope.get(Conversation, command.receipt.conversation_id)).customer_id


async def _language(scope: Scope, conversation_id: UUID) -> str:
    found: str | None = await scope.session.scalar(
        scope.select(Customer, Customer.language)
        .join(Conversation, Conversation.customer_id == Customer.id)
        .where(Conversation.id == conversation_id)
    )
    return spoken(found)


def _state(ticket: Ticket, language: str) -> str:
    return say(
        "resolved" if ticket.status == "resolved" else "pending" if ticket.status == "pending" else "open", language
    )
