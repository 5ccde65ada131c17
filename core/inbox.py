"""The only way in: every channel's messages become rows here, once each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.db import Database
from core.events import WORK, Event, Events
from core.messages import InboundMessage
from core.models import Attachment, Conversation, Customer, CustomerIdentity, Message, new_id, now
from core.tenancy import Scope

SUBJECT_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Receipt:
    message_id: UUID
    conversation_id: UUID
    duplicate: bool


class Inbox:
    def __init__(self, db: Database, events: Events) -> None:
        self._db = db
        self._events = events

    async def receive(self, inbound: InboundMessage) -> Receipt:
        """Stores a message for the worker. When this returns, it is durable and may be acknowledged.

        A message received before (same channel, same external id) changes nothing and says so.
        """
        async with self._db.write(inbound.organization_id) as scope:
            receipt = await _store(scope, inbound)
            if not receipt.duplicate:
                scope.after_commit(lambda: self._events.publish(Event(WORK, "message", {})))
        return receipt


async def _store(scope: Scope, inbound: InboundMessage) -> Receipt:
    conversation_id = await _conversation(scope, inbound)
    message_id = new_id()
    stored = await scope.insert_if_absent(
        Message,
        id=message_id,
        created_at=now(),
        conversation_id=conversation_id,
        channel_id=inbound.channel_id,
        external_id=inbound.external_id,
        author="customer",
        text=storable(inbound.text),
        state="queued",
    )
    if not stored:
        return await _earlier(scope, inbound)
    for attachment in inbound.attachments:
        scope.add(
            Attachment(
                message_id=message_id,
                name=storable(attachment.name)[:255],
                content_type=attachment.content_type[:127],
                size=len(attachment.content),
                content=attachment.content,
            )
        )
    return Receipt(message_id, conversation_id, duplicate=False)


async def _earlier(scope: Scope, inbound: InboundMessage) -> Receipt:
    row = (
        await scope.session.execute(
            scope.select(Message, Message.id, Message.conversation_id)
            .where(Message.channel_id == inbound.channel_id)
            .where(Message.external_id == inbound.external_id)
        )
    ).one()
    return Receipt(row.id, row.conversation_id, duplicate=True)


async def _conversation(scope: Scope, inbound: InboundMessage) -> UUID:
    """The conversation that `inbound` joins, opened if need be."""
    query = scope.select(Conversation, Conversation.id, Conversation.thread)
    if inbound.conversation_id:
        query = query.where(Conversation.id == inbound.conversation_id)
    else:
        query = (
            query.join(CustomerIdentity, CustomerIdentity.customer_id == Conversation.customer_id)
            .where(CustomerIdentity.external_id == inbound.author.external_id)
            .where(CustomerIdentity.channel_id == inbound.channel_id)
            .where(Conversation.channel_id == inbound.channel_id)
            .order_by(Conversation.id.desc())
            .limit(1)
        )
    found = (await scope.session.execute(query)).one_or_none()
    if found is None:
        return await _open(scope, inbound)
    if inbound.thread and inbound.thread != found.thread:
        await scope.session.execute(
            scope.update(Conversation).where(Conversation.id == found.id).values(thread=inbound.thread)
        )
    return UUID(str(found.id))


async def _open(scope: Scope, inbound: InboundMessage) -> UUID:
    customer_id = await _customer(scope, inbound)
    conversation_id = inbound.conversation_id or new_id()
    await scope.insert_if_absent(
        Conversation,
        id=conversation_id,
        created_at=now(),
        customer_id=customer_id,
        channel_id=inbound.channel_id,
        thread=inbound.thread,
        subject=_subject(inbound.text),
    )
    return conversation_id


async def _customer(scope: Scope, inbound: InboundMessage) -> UUID:
    known = (
        scope.select(CustomerIdentity, CustomerIdentity.customer_id)
        .where(CustomerIdentity.channel_id == inbound.channel_id)
        .where(CustomerIdentity.external_id == inbound.author.external_id)
    )
    customer_id: UUID | None = await scope.session.scalar(known)
    if customer_id:
        return customer_id
    author = inbound.author
    customer = scope.add(
        Customer(
            id=new_id(),
            name=_cut(author.name, 200),
            email=_cut(author.email, 320),
            language=_cut(author.language, 8),
        )
    )
    # The identity below refers to the customer, and must know whether it was the first to do so.
    await scope.session.flush()
    first = await scope.insert_if_absent(
        CustomerIdentity,
        id=new_id(),
        created_at=now(),
        customer_id=customer.id,
        channel_id=inbound.channel_id,
        external_id=author.external_id,
        verified=author.verified,
    )
    if first:
        return customer.id
    # Two first messages at once: the other one won while we waited for its lock.
    await scope.session.delete(customer)
    return UUID(str(await scope.session.scalar(known)))


def _subject(text: str) -> str:
    line = " ".join(storable(text).split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


def _cut(value: str | None, length: int) -> str | None:
    return storable(value)[:length] if value else None


def storable(text: str) -> str:
    """`text` without what no database takes: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
