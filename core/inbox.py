"""The only way in: every channel's messages become rows here, once each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from core import participants, tickets
from core.db import Database
from core.errors import NotFound
from core.events import Event, Events, conversation_topic, work_arrived
from core.messages import Attachment as Received
from core.messages import InboundMessage, JsonObject, subject_of
from core.models import (
    Attachment,
    AuditEntry,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    Message,
    new_id,
    now,
    storable,
)
from core.outbox import Outbox
from core.tenancy import Scope, ours

KEY_LENGTH = 320

NAMED_CONVERSATION = select(Conversation.id, Conversation.thread, Conversation.subject).where(
    Conversation.organization_id == ours(), Conversation.id == bindparam("conversation_id")
)
LATEST_CONVERSATION = (
    select(Conversation.id, Conversation.thread, Conversation.subject)
    .join(CustomerIdentity, CustomerIdentity.customer_id == Conversation.customer_id)
    .where(
        Conversation.organization_id == ours(),
        Conversation.channel_id == bindparam("channel_id"),
        CustomerIdentity.channel_id == bindparam("channel_id"),
        CustomerIdentity.external_id == bindparam("author_id"),
    )
    .order_by(Conversation.id.desc())
    .limit(1)
)
EARLIER_MESSAGE = select(Message.id, Message.conversation_id).where(
    Message.organization_id == ours(),
    Message.channel_id == bindparam("channel_id"),
    Message.external_id == bindparam("external_id"),
)
# Locked, so that of several first messages at once one opens the conversation and the others see it.
KNOWN_CUSTOMER = (
    select(CustomerIdentity.customer_id)
    .where(
        CustomerIdentity.organization_id == ours(),
        CustomerIdentity.channel_id == bindparam("channel_id"),
        CustomerIdentity.external_id == bindparam("author_id"),
    )
    .with_for_update()
)
INSERT_CUSTOMER = insert(Customer)


@cache
def _insert_message(dialect: str) -> Any:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return build(Message).on_conflict_do_nothing().returning(Message.id)


@dataclass(frozen=True, slots=True)
class Receipt:
    message_id: UUID
    conversation_id: UUID
    duplicate: bool


class _Known(Exception):
    """The message is here already: undoes what was prepared for it."""


class Inbox:
    def __init__(self, db: Database, events: Events, outbox: Outbox) -> None:
        self._db = db
        self._events = events
        self._outbox = outbox

    async def receive(self, inbound: InboundMessage) -> Receipt:
        """Stores a message for the worker. When this returns, it is durable and may be acknowledged.

        A message received before (same channel, same external id) changes nothing and says so. Raises
        `NotFound` when it names another organization's conversation.
        """
        try:
            async with self._db.write(inbound.organization_id) as scope:
                receipt = await _store(scope, inbound)
        except _Known:
            return await self._earlier(inbound)
        if not inbound.silent:
            self._events.publish(work_arrived("message", receipt.conversation_id, inbound.channel_id))
        self._events.publish(_arrival(inbound, receipt))
        return receipt

    async def edit(
        self, organization_id: UUID, channel_id: UUID, external_id: str, text: str, at: datetime | None = None
    ) -> bool:
        """The customer changed a message. False if there is no such message, or it says so already.

        A message that waits for its turn is answered as it is now. One that was answered is only shown as changed.
        `at` is when they did, where the channel tells: a change older than the one we know changes nothing.
        """
        async with self._db.write(organization_id) as scope:
            message = await _received(scope, channel_id, external_id)
            if message is None or message.text == storable(text):
                return False
            if at and message.edited_at and at < message.edited_at:
                return False
            before, message.text, message.edited_at = message.text, storable(text), at or now()
            message.revision += 1
            await self._changed(scope, message, "edited", before=before)
            self._tell(scope, message, "edited", text=message.text)
        return True

    async def retract(self, organization_id: UUID, channel_id: UUID, external_id: str) -> bool:
        """The customer took a message back: if it waits for its turn, nobody answers it. False if it is not there."""
        async with self._db.write(organization_id) as scope:
            message = await _received(scope, channel_id, external_id)
            if message is None:
                return False
            message.retracted_at, message.revision = now(), message.revision + 1
            if message.state == "queued":
                message.state, message.outcome = "done", "silent"
            await self._changed(scope, message, "retracted")
            self._tell(scope, message, "retracted")
        return True

    async def attach(
        self, organization_id: UUID, channel_id: UUID, external_id: str, attachments: tuple[Received, ...], text: str
    ) -> bool:
        """Adds files to a message that came before them; one of a name that is there already changes nothing.

        So do the lines of `text` that it does not have yet. False if there is no such message.
        """
        async with self._db.write(organization_id) as scope:
            message = await _received(scope, channel_id, external_id)
            if message is None:
                return False
            names = await scope.session.scalars(
                scope.select(Attachment, Attachment.name).where(Attachment.message_id == message.id)
            )
            known = set(names)
            for attachment in attachments:
                if attachment.name not in known:
                    scope.add(stored_attachment(message.id, attachment))
            lines = dict.fromkeys([*message.text.splitlines(), *storable(text).splitlines()])
            message.text = "\n".join(lines)
            await self._show(scope, message)
        return True

    async def _changed(self, scope: Scope, message: Message, what: str, **details: str) -> None:
        scope.add(AuditEntry(action=f"message.{what}", subject_id=message.id, details={"by": "customer", **details}))
        await self._show(scope, message)

    async def _show(self, scope: Scope, message: Message) -> None:
        if ticket := await tickets.open_ticket(scope, message.conversation_id):
            await self._outbox.tell_desks(scope, ticket)

    def _tell(self, scope: Scope, message: Message, kind: str, **data: str) -> None:
        event = Event(conversation_topic(message.conversation_id), kind, {"id": str(message.id), **data})
        scope.after_commit(lambda: self._events.publish(event))

    async def _earlier(self, inbound: InboundMessage) -> Receipt:
        async with self._db.read(inbound.organization_id) as scope:
            found = await scope.run(
                EARLIER_MESSAGE, channel_id=inbound.channel_id, external_id=key(inbound.external_id)
            )
            earlier = found.one()
        return Receipt(earlier.id, earlier.conversation_id, duplicate=True)


def _arrival(inbound: InboundMessage, receipt: Receipt) -> Event:
    message = {
        "id": str(receipt.message_id),
        "external_id": key(inbound.external_id),
        "author": "customer",
        "name": storable(inbound.author.name or ""),
        "text": storable(inbound.text),
        "created_at": now().isoformat(),
    }
    return Event(conversation_topic(receipt.conversation_id), "message", message)


async def _store(scope: Scope, inbound: InboundMessage) -> Receipt:
    conversation_id = await _conversation(scope, inbound)
    message_id = new_id()
    stored = await scope.insert(
        _insert_message(scope.dialect),
        id=message_id,
        conversation_id=conversation_id,
        channel_id=inbound.channel_id,
        external_id=key(inbound.external_id),
        author="customer",
        text=storable(inbound.text),
        speaker=_cut(inbound.speaker, 200),
        analysis={"automatic": inbound.automatic} if inbound.automatic else {},
        state="done" if inbound.silent else "queued",
        outcome="silent" if inbound.silent else None,
        available_at=now() + inbound.settle,
        edited_at=inbound.edited_at,
    )
    if stored.scalar() is None:
        raise _Known
    if inbound.participants:
        await participants.join(scope, conversation_id, inbound.channel_id, inbound.participants)
    for attachment in inbound.attachments:
        scope.add(stored_attachment(message_id, attachment))
    return Receipt(message_id, conversation_id, duplicate=False)


def stored_attachment(message_id: UUID, attachment: Received) -> Attachment:
    return Attachment(
        message_id=message_id,
        name=storable(attachment.name)[:255],
        content_type=storable(attachment.content_type)[:127],
        size=len(attachment.content),
        content=attachment.content,
    )


async def _conversation(scope: Scope, inbound: InboundMessage) -> UUID:
    """The conversation that `inbound` joins, opened if need be."""
    found = await _find(scope, inbound)
    if found is None:
        return await _open(scope, inbound)
    conversation_id, thread, subject = found
    changed: dict[str, Any] = {}
    if inbound.thread and inbound.thread != thread:
        changed["thread"] = inbound.thread
    if not subject and not inbound.silent:
        changed["subject"] = subject_of(storable(inbound.text))
    if changed:
        await scope.session.execute(
            scope.update(Conversation).where(Conversation.id == conversation_id).values(**changed)
        )
    return conversation_id


async def _find(scope: Scope, inbound: InboundMessage) -> tuple[UUID, JsonObject, str] | None:
    if inbound.answers and (answered := await _answered(scope, inbound)):
        return answered
    if inbound.conversation_id:
        result = await scope.run(NAMED_CONVERSATION, conversation_id=inbound.conversation_id)
    else:
        author_id = key(inbound.author.external_id)
        result = await scope.run(LATEST_CONVERSATION, channel_id=inbound.channel_id, author_id=author_id)
    found = result.one_or_none()
    return (found.id, found.thread, found.subject) if found else None


async def _answered(scope: Scope, inbound: InboundMessage) -> tuple[UUID, JsonObject, str] | None:
    """The conversation of the message that this one replies to, if it is of the same customer."""
    answers = key(inbound.answers or "")
    theirs = scope.select(Message, Message.conversation_id).where(
        Message.channel_id == inbound.channel_id, Message.external_id == answers
    )
    from_us = scope.select(Delivery, Delivery.conversation_id).where(
        Delivery.channel_id == inbound.channel_id, Delivery.external_id == answers
    )
    found = await scope.session.execute(
        scope.select(Conversation, Conversation.id, Conversation.thread, Conversation.subject)
        .join(CustomerIdentity, CustomerIdentity.customer_id == Conversation.customer_id)
        .where(Conversation.channel_id == inbound.channel_id)
        .where(CustomerIdentity.channel_id == inbound.channel_id)
        .where(CustomerIdentity.external_id == key(inbound.author.external_id))
        .where(or_(Conversation.id.in_(theirs), Conversation.id.in_(from_us)))
        .limit(1)
    )
    row = found.one_or_none()
    return (row.id, row.thread, row.subject) if row else None


async def _open(scope: Scope, inbound: InboundMessage) -> UUID:
    customer_id = await _customer(scope, inbound)
    conversation_id = inbound.conversation_id or new_id()
    if inbound.conversation_id is None and (found := await _find(scope, inbound)):
        return found[0]  # opened by a message that came at the same time
    opened = await scope.insert_if_absent(
        Conversation,
        id=conversation_id,
        customer_id=customer_id,
        channel_id=inbound.channel_id,
        thread=inbound.thread,
        subject="" if inbound.silent and not inbound.subject else subject_of(storable(inbound.subject or inbound.text)),
        linked_to_id=inbound.linked_to,
    )
    if not opened and await _find(scope, inbound) is None:
        raise NotFound(f"There is no conversation {conversation_id}.")
    return conversation_id


async def _customer(scope: Scope, inbound: InboundMessage) -> UUID:
    author = inbound.author
    known = {"channel_id": inbound.channel_id, "author_id": key(author.external_id)}
    customer_id: UUID | None = (await scope.run(KNOWN_CUSTOMER, **known)).scalar()
    if customer_id:
        return customer_id
    new = new_id()
    called = {"name": _cut(author.name, 200), "email": _cut(author.email, 320), "language": _cut(author.language, 8)}
    await scope.insert(INSERT_CUSTOMER, id=new, **called)
    first = await scope.insert_if_absent(
        CustomerIdentity,
        id=new_id(),
        customer_id=new,
        channel_id=inbound.channel_id,
        external_id=key(author.external_id),
        verified=author.verified,
    )
    if first:
        return new
    # Two first messages at once: the other one won while we waited for its lock.
    await scope.session.execute(scope.delete(Customer).where(Customer.id == new))
    winner: UUID = (await scope.run(KNOWN_CUSTOMER, **known)).scalar_one()
    return winner


async def _received(scope: Scope, channel_id: UUID, external_id: str) -> Message | None:
    found: Message | None = await scope.session.scalar(
        scope.select(Message)
        .where(Message.channel_id == channel_id, Message.external_id == key(external_id))
        .where(Message.retracted_at.is_(None))
        .with_for_update()
    )
    return found


def _cut(value: str | None, length: int) -> str | None:
    return storable(value)[:length] if value else None


def key(external_id: str) -> str:
    """A vendor's id as its column holds it: a Message-ID may be longer, so the end of a long one is hashed."""
    text = storable(external_id)
    if len(text) <= KEY_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text[: KEY_LENGTH - len(digest)] + digest
