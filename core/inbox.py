"""The only way in: every channel's messages become rows here, once each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from core.db import Database
from core.events import Event, Events, conversation_topic, work_arrived
from core.messages import InboundMessage
from core.models import Attachment, Conversation, Customer, CustomerIdentity, Message, new_id, now
from core.tenancy import Scope, ours

SUBJECT_LENGTH = 80

NAMED_CONVERSATION = select(Conversation.id, Conversation.thread).where(
    Conversation.organization_id == ours(), Conversation.id == bindparam("conversation_id")
)
LATEST_CONVERSATION = (
    select(Conversation.id, Conversation.thread)
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
KNOWN_CUSTOMER = select(CustomerIdentity.customer_id).where(
    CustomerIdentity.organization_id == ours(),
    CustomerIdentity.channel_id == bindparam("channel_id"),
    CustomerIdentity.external_id == bindparam("author_id"),
)


@cache
def _insert_message(dialect: str) -> Any:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return build(Message).on_conflict_do_nothing().returning(Message.id)


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
            self._events.publish(work_arrived("message", receipt.conversation_id))
            self._events.publish(_arrival(inbound, receipt))
        return receipt


def _arrival(inbound: InboundMessage, receipt: Receipt) -> Event:
    message = {
        "id": str(receipt.message_id),
        "external_id": inbound.external_id,
        "author": "customer",
        "name": inbound.author.name or "",
        "text": inbound.text,
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
        external_id=inbound.external_id,
        author="customer",
        text=storable(inbound.text),
        state="queued",
    )
    if stored.scalar() is None:
        earlier = (
            await scope.run(EARLIER_MESSAGE, channel_id=inbound.channel_id, external_id=inbound.external_id)
        ).one()
        return Receipt(earlier.id, earlier.conversation_id, duplicate=True)
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


async def _conversation(scope: Scope, inbound: InboundMessage) -> UUID:
    """The conversation that `inbound` joins, opened if need be."""
    if inbound.conversation_id:
        result = await scope.run(NAMED_CONVERSATION, conversation_id=inbound.conversation_id)
    else:
        author_id = inbound.author.external_id
        result = await scope.run(LATEST_CONVERSATION, channel_id=inbound.channel_id, author_id=author_id)
    found = result.one_or_none()
    if found is None:
        return await _open(scope, inbound)
    if inbound.thread and inbound.thread != found.thread:
        await scope.session.execute(
            scope.update(Conversation).where(Conversation.id == found.id).values(thread=inbound.thread)
        )
    conversation_id: UUID = found.id
    return conversation_id


async def _open(scope: Scope, inbound: InboundMessage) -> UUID:
    customer_id = await _customer(scope, inbound)
    conversation_id = inbound.conversation_id or new_id()
    await scope.insert_if_absent(
        Conversation,
        id=conversation_id,
        customer_id=customer_id,
        channel_id=inbound.channel_id,
        thread=inbound.thread,
        subject=_subject(inbound.text),
    )
    return conversation_id


async def _customer(scope: Scope, inbound: InboundMessage) -> UUID:
    author = inbound.author
    known = {"channel_id": inbound.channel_id, "author_id": author.external_id}
    customer_id: UUID | None = (await scope.run(KNOWN_CUSTOMER, **known)).scalar()
    if customer_id:
        return customer_id
    customer = scope.add(
        Customer(
            id=new_id(), name=_cut(author.name, 200), email=_cut(author.email, 320), language=_cut(author.language, 8)
        )
    )
    # The identity below refers to the customer, and must know whether it was the first to do so.
    await scope.session.flush()
    first = await scope.insert_if_absent(
        CustomerIdentity,
        id=new_id(),
        customer_id=customer.id,
        channel_id=inbound.channel_id,
        external_id=author.external_id,
        verified=author.verified,
    )
    if first:
        return customer.id
    # Two first messages at once: the other one won while we waited for its lock.
    await scope.session.delete(customer)
    winner: UUID = (await scope.run(KNOWN_CUSTOMER, **known)).scalar_one()
    return winner


def _subject(text: str) -> str:
    line = " ".join(storable(text).split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


def _cut(value: str | None, length: int) -> str | None:
    return storable(value)[:length] if value else None


def storable(text: str) -> str:
    """`text` without what no database takes: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
