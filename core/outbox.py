"""The only way out. `post()` writes what is to be sent; `deliver()` alone calls a connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from core import models
from core.db import Database
from core.events import WORK, Event, Events
from core.messages import Attachment, Citation, OutboundMessage, Person
from core.models import (
    Channel,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    Message,
    Ticket,
    new_id,
    now,
)
from core.queue import backoff
from core.tenancy import Scope

MAX_ATTEMPTS = 12
log = structlog.get_logger()


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


async def post(scope: Scope, events: Events, conversation: Conversation, **message: Any) -> UUID:
    """Writes a message of ours and queues it for its conversation's channel. Returns the message's id.

    `message` are the values of a `Message`; both rows belong to the caller's transaction.
    """
    message_id: UUID = message.pop("id", None) or new_id()
    place = {"conversation_id": conversation.id, "channel_id": conversation.channel_id}
    await scope.create(Message, id=message_id, created_at=now(), **place, **message)
    await scope.create(Delivery, id=new_id(), message_id=message_id, **place)
    scope.after_commit(lambda: events.publish(Event(WORK, "delivery", {})))
    return message_id


class Outbox:
    def __init__(self, db: Database, senders: Mapping[str, Sender]) -> None:
        self._db = db
        self._senders = senders

    async def deliver(self, organization_id: UUID, delivery_id: UUID, owner: str) -> None:
        """Sends one delivery that `owner` has claimed, and writes down what came of it."""
        async with self._db.read(organization_id) as scope:
            delivery, channel, message = await _load(scope, delivery_id)
        try:
            external_id = await self._sender(channel).send(message, channel)
        except DeliveryError as error:
            await self._failed(organization_id, delivery, owner, error)
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

    def _sender(self, channel: Channel) -> Sender:
        if channel.disabled_at:
            raise DeliveryError(
                f"The channel {channel.name!r} is off ({channel.disabled_reason or 'switched off by an admin'}). "
                "Switch it on under Channels.",
                permanent=False,
            )
        try:
            return self._senders[channel.kind]
        except KeyError:
            raise DeliveryError(
                f"This installation has no connector for {channel.kind!r} channels.", permanent=True
            ) from None

    async def _failed(
        self, organization_id: UUID, delivery: Delivery, owner: str, error: DeliveryError
    ) -> None:
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
                Ticket.number,
            )
            .join(Message, Message.id == Delivery.message_id)
            .join(Conversation, Conversation.id == Delivery.conversation_id)
            .join(Channel, Channel.id == Delivery.channel_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .join(
                CustomerIdentity,
                (CustomerIdentity.customer_id == Customer.id)
                & (CustomerIdentity.channel_id == Delivery.channel_id),
            )
            .outerjoin(Ticket, Ticket.id == Message.ticket_id)
            .where(Delivery.id == delivery_id)
            .limit(1)
        )
    ).one()
    delivery, channel, message, thread, customer, identity, ticket_number = row
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
            identity.external_id, customer.name, customer.email, customer.language, identity.verified
        ),
        thread=thread,
        author=message.author,
        name=message.speaker or "",
        text=message.text,
        citations=tuple(Citation(**citation) for citation in message.citations),
        confidence=message.confidence,
        ticket_number=ticket_number,
        created_at=message.created_at,
        attachments=tuple(Attachment(row.name, row.content_type, row.content) for row in attachments),
    )
    return delivery, channel, outbound
