"""A delivery's message, complete with all that a connector needs to send it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from core.accounts import OrganizationSettings, organization
from core.messages import Action, Attachment, Citation, Earlier, OutboundMessage, Person
from core.models import Attachment as StoredAttachment
from core.models import Channel, Conversation, Customer, CustomerIdentity, Delivery, Message, Participant, Ticket
from core.tenancy import Scope

EARLIER = 5


async def load(scope: Scope, delivery: Delivery) -> OutboundMessage:
    """The message that `delivery` sends, edits or deletes, as the database has it now."""
    row = (
        await scope.session.execute(
            scope.select(Message, Message, Conversation, Channel, Customer, CustomerIdentity, Ticket.number)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .join(Channel, Channel.id == delivery.channel_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .outerjoin(
                CustomerIdentity,
                (CustomerIdentity.customer_id == Customer.id) & (CustomerIdentity.channel_id == delivery.channel_id),
            )
            .outerjoin(Ticket, Ticket.id == Message.ticket_id)
            .where(Message.id == delivery.message_id)
            .order_by(CustomerIdentity.id)
            .limit(1)
        )
    ).one()
    message, conversation, channel, customer, identity, number = row
    earlier = await _earlier(scope, message)
    recipient, others = await _people(scope, delivery, conversation, _recipient(customer, identity))
    return OutboundMessage(
        delivery_id=delivery.id,
        action=cast("Action", delivery.action),
        sent_as=await _sent_as(scope, delivery),
        kind=message.kind,
        id=message.id,
        organization_id=scope.organization_id,
        channel_id=channel.id,
        conversation_id=message.conversation_id,
        recipient=recipient,
        thread=conversation.thread,
        subject=conversation.subject,
        in_reply_to=next((row.external_id for row in earlier if row.author == "customer"), None),
        ticket_number=number,
        author=message.author,
        name=message.speaker or "",
        text=message.text,
        citations=tuple(Citation(**citation) for citation in message.citations),
        confidence=message.confidence,
        created_at=message.created_at,
        attachments=await _attachments(scope, message.id),
        choices=await _choices(scope) if message.kind == "greeting" else (),
        earlier=tuple(Earlier(row.author, row.speaker or "", row.text, row.created_at) for row in earlier),
        others=others,
    )


def _recipient(customer: Customer, identity: CustomerIdentity | None) -> Person:
    return Person(
        identity.external_id if identity else "",
        customer.name,
        customer.email,
        customer.language,
        bool(identity and identity.verified),
    )


async def _people(
    scope: Scope, delivery: Delivery, conversation: Conversation, customer: Person
) -> tuple[Person, tuple[Person, ...]]:
    """To whom, and who else takes part. Whoever wrote through a channel that the customer never used comes first."""
    if delivery.recipient:
        return replace(customer, external_id=delivery.recipient, verified=False), ()
    found = await scope.session.scalars(
        scope.select(Participant)
        .where(Participant.conversation_id == conversation.id, Participant.channel_id == delivery.channel_id)
        .order_by(Participant.id)
    )
    others = [Person(row.external_id, row.name) for row in found if row.external_id != customer.external_id]
    if not customer.external_id and others:
        return replace(customer, external_id=others[0].external_id), tuple(others[1:])
    return customer, tuple(others)


async def _earlier(scope: Scope, message: Message) -> list[Any]:
    found = await scope.session.execute(
        scope.select(Message, Message.author, Message.speaker, Message.text, Message.created_at, Message.external_id)
        .where(Message.conversation_id == message.conversation_id, Message.id < message.id)
        .where(Message.retracted_at.is_(None))
        .order_by(Message.id.desc())
        .limit(EARLIER)
    )
    return list(found)


async def _choices(scope: Scope) -> tuple[str, ...]:
    return tuple(OrganizationSettings.model_validate((await organization(scope)).settings).suggestions)


async def _sent_as(scope: Scope, delivery: Delivery) -> str | None:
    """As what it was last sent or edited, since an edit may need more messages there than the text before."""
    if delivery.action == "send":
        return None
    found: str | None = await scope.session.scalar(
        scope.select(Delivery, Delivery.external_id)
        .where(Delivery.message_id == delivery.message_id, Delivery.channel_id == delivery.channel_id)
        .where(Delivery.id != delivery.id, Delivery.external_id.is_not(None))
        .order_by(Delivery.revision.desc())
        .limit(1)
    )
    return found


async def _attachments(scope: Scope, message_id: UUID) -> tuple[Attachment, ...]:
    rows = await scope.session.scalars(
        scope.select(StoredAttachment).where(StoredAttachment.message_id == message_id).order_by(StoredAttachment.id)
    )
    return tuple(Attachment(row.name, row.content_type, row.content) for row in rows)
