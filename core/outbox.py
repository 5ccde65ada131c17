"""The only way out. `post()` stores what is to be sent; `deliver()` alone calls a connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import insert

from core import models
from core.db import Database
from core.events import Event, Events, conversation_topic, work_arrived
from core.messages import Attachment, Author, Citation, JsonObject, OutboundMessage, Person
from core.models import (
    Channel,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    Message,
    new_id,
    now,
)
from core.queue import backoff
from core.tenancy import Scope

MAX_ATTEMPTS = 12
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes."""

    conversation_id: UUID
    channel_id: UUID
    channel_kind: str


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of ours, before it is stored."""

    author: Author
    speaker: str
    text: str
    id: UUID | None = None
    citations: tuple[Citation, ...] = ()
    confidence: float | None = None
    reply_to_id: UUID | None = None
    member_id: UUID | None = None
    ticket_id: UUID | None = None
    ticket_number: int | None = None
    """Both are set when the message tells the customer of a hand-over."""


def as_event(message_id: UUID, draft: NewMessage, created_at: datetime) -> JsonObject:
    """What watchers of the conversation are told."""
    return {
        "id": str(message_id),
        "author": draft.author,
        "name": draft.speaker,
        "text": draft.text,
        "citations": [citation.as_json() for citation in draft.citations],
        "confidence": draft.confidence,
        "ticket_number": draft.ticket_number,
        "created_at": created_at.isoformat(),
    }


class DeliveryError(Exception):
    """A connector could not send. `permanent` answers the one question core has: is trying again useless?

    An admin will read the text: it names the thing and the remedy.
    """

    def __init__(self, detail: str, *, permanent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent


class Sender(Protocol):
    """What a connector implements to send. Returns the provider's id for the message, if it gives one.

    Raises `DeliveryError` and nothing else for what can go wrong outside.
    """

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None: ...


INSERT_MESSAGE = insert(Message)
INSERT_DELIVERY = insert(Delivery)


class Outbox:
    """`senders` has the channels that messages are sent to. The customers of the others (the chat widget, the
    API) read our database: there a message has arrived once it is stored, and a live event says so."""

    def __init__(self, db: Database, events: Events, senders: Mapping[str, Sender]) -> None:
        self._db = db
        self._events = events
        self._senders = senders

    async def post(self, scope: Scope, place: Place, draft: NewMessage) -> UUID:
        """Stores a message of ours and queues it for its conversation's channel, in the caller's transaction."""
        message_id, moment = draft.id or new_id(), now()
        await scope.insert(
            INSERT_MESSAGE,
            id=message_id,
            created_at=moment,
            conversation_id=place.conversation_id,
            channel_id=place.channel_id,
            author=draft.author,
            speaker=draft.speaker,
            member_id=draft.member_id,
            reply_to_id=draft.reply_to_id,
            ticket_id=draft.ticket_id,
            text=draft.text,
            citations=[citation.as_json() for citation in draft.citations],
            confidence=draft.confidence,
        )
        if place.channel_kind in self._senders:
            await scope.insert(
                INSERT_DELIVERY,
                id=new_id(),
                message_id=message_id,
                conversation_id=place.conversation_id,
                channel_id=place.channel_id,
            )
            scope.after_commit(lambda: self._events.publish(work_arrived("delivery", place.conversation_id)))
        shown = as_event(message_id, draft, moment)
        scope.after_commit(
            lambda: self._events.publish(Event(conversation_topic(place.conversation_id), "message", shown))
        )
        return message_id

    async def deliver(self, organization_id: UUID, delivery_id: UUID, owner: str) -> None:
        """Sends one delivery that `owner` has claimed, and writes down what came of it."""
        async with self._db.read(organization_id) as scope:
            delivery, channel, message = await _load(scope, delivery_id)
        try:
            external_id = await self._sender(channel, message.recipient).send(message, channel)
        except DeliveryError as error:
            await self._failed(organization_id, delivery, owner, error)
            return
        except Exception as error:
            log.exception("delivery.broke", delivery=str(delivery_id), kind=channel.kind)
            failure = DeliveryError(f"{type(error).__name__}: {error}"[:500], permanent=False)
            await self._failed(organization_id, delivery, owner, failure)
            return
        await self._update(
            organization_id,
            delivery_id,
            owner,
            state="sent",
            external_id=external_id,
            sent_at=now(),
            error=None,
        )

    def _sender(self, channel: Channel, recipient: Person) -> Sender:
        if channel.disabled_at:
            raise DeliveryError(
                f"The channel {channel.name!r} is off ({channel.disabled_reason or 'switched off by an admin'}). "
                "Switch it on under Channels.",
                permanent=False,
            )
        if not recipient.external_id:
            raise DeliveryError(
                f"The customer never wrote through the channel {channel.name!r}, so there is no address to reply to. "
                "Reply where they wrote first.",
                permanent=True,
            )
        try:
            return self._senders[channel.kind]
        except KeyError:
            raise DeliveryError(
                f"This installation has no connector for {channel.kind!r} channels.", permanent=True
            ) from None

    async def _failed(self, organization_id: UUID, delivery: Delivery, owner: str, error: DeliveryError) -> None:
        dead = error.permanent or delivery.attempts >= MAX_ATTEMPTS
        log.warning("delivery.failed", delivery=str(delivery.id), dead=dead, reason=error.detail)
        await self._update(
            organization_id,
            delivery.id,
            owner,
            state="dead" if dead else "queued",
            available_at=now() + backoff(delivery.attempts),
            error=error.detail,
        )

    async def _update(self, organization_id: UUID, delivery_id: UUID, owner: str, **values: Any) -> None:
        async with self._db.write(organization_id) as scope:
            await scope.session.execute(
                scope.update(Delivery)
                .where(Delivery.id == delivery_id, Delivery.lease_owner == owner)
                .values(**values, lease_owner=None, lease_until=None)
            )


async def _load(scope: Scope, delivery_id: UUID) -> tuple[Delivery, Channel, OutboundMessage]:
    row = (
        await scope.session.execute(
            scope.select(
                Delivery,
                Delivery,
                Channel,
                Message,
                Conversation.thread,
                Customer,
                CustomerIdentity,
            )
            .join(Message, Message.id == Delivery.message_id)
            .join(Conversation, Conversation.id == Delivery.conversation_id)
            .join(Channel, Channel.id == Delivery.channel_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .outerjoin(
                CustomerIdentity,
                (CustomerIdentity.customer_id == Customer.id) & (CustomerIdentity.channel_id == Delivery.channel_id),
            )
            .where(Delivery.id == delivery_id)
            .order_by(CustomerIdentity.id)
            .limit(1)
        )
    ).one()
    delivery, channel, message, thread, customer, identity = row
    attachments = await scope.session.scalars(
        scope.select(models.Attachment).where(models.Attachment.message_id == message.id)
    )
    outbound = OutboundMessage(
        delivery_id=delivery.id,
        id=message.id,
        organization_id=scope.organization_id,
        channel_id=channel.id,
        conversation_id=message.conversation_id,
        recipient=Person(
            identity.external_id if identity else "",
            customer.name,
            customer.email,
            customer.language,
            bool(identity and identity.verified),
        ),
        thread=thread,
        author=message.author,
        name=message.speaker or "",
        text=message.text,
        citations=tuple(Citation(**citation) for citation in message.citations),
        confidence=message.confidence,
        created_at=message.created_at,
        attachments=tuple(Attachment(row.name, row.content_type, row.content) for row in attachments),
    )
    return delivery, channel, outbound
