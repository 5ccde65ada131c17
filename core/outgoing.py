"""A delivery's message, complete with all that a connector needs to send it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, exists, select

from core.accounts import OrganizationSettings, organization
from core.messages import Action, Attachment, Citation, Earlier, OutboundMessage, Person
from core.models import Attachment as StoredAttachment
from core.models import Conversation, Customer, CustomerIdentity, Delivery, Message, Participant, Ticket
from core.tenancy import Scope, ours

MOST_EARLIER = 5

MESSAGE = (
    select(
        Message.id,
        Message.conversation_id,
        Message.kind,
        Message.author,
        Message.speaker,
        Message.text,
        Message.citations,
        Message.confidence,
        Message.created_at,
        Conversation.thread,
        Conversation.subject,
        Customer.name,
        Customer.email,
        Customer.language,
        CustomerIdentity.external_id,
        CustomerIdentity.verified,
        Ticket.number,
        exists().where(StoredAttachment.message_id == Message.id).label("has_files"),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(Customer, Customer.id == Conversation.customer_id)
    .outerjoin(
        CustomerIdentity,
        (CustomerIdentity.customer_id == Customer.id) & (CustomerIdentity.channel_id == bindparam("channel_id")),
    )
    .outerjoin(Ticket, Ticket.id == Message.ticket_id)
    .where(Message.organization_id == ours(), Message.id == bindparam("message_id"))
    .order_by(CustomerIdentity.id)
    .limit(1)
)
EARLIER = (
    select(Message.author, Message.speaker, Message.text, Message.created_at, Message.external_id)
    .where(
        Message.organization_id == ours(),
        Message.conversation_id == bindparam("conversation_id"),
        Message.id < bindparam("message_id"),
        Message.retracted_at.is_(None),
    )
    .order_by(Message.id.desc())
    .limit(MOST_EARLIER)
)
PARTICIPANTS = (
    select(Participant.external_id, Participant.name)
    .where(
        Participant.organization_id == ours(),
        Participant.conversation_id == bindparam("conversation_id"),
        Participant.channel_id == bindparam("channel_id"),
    )
    .order_by(Participant.id)
)


async def load(scope: Scope, delivery: Delivery) -> OutboundMessage:
    """The message that `delivery` sends, edits or deletes, as the database has it now."""
    row = (await scope.run(MESSAGE, message_id=delivery.message_id, channel_id=delivery.channel_id)).one()
    before = await scope.run(EARLIER, conversation_id=row.conversation_id, message_id=row.id)
    earlier = before.all()
    recipient, others = await _people(scope, delivery, _recipient(row))
    return OutboundMessage(
        delivery_id=delivery.id,
        action=cast("Action", delivery.action),
        sent_as=await _sent_as(scope, delivery),
        kind=row.kind,
        id=row.id,
        organization_id=scope.organization_id,
        channel_id=delivery.channel_id,
        conversation_id=row.conversation_id,
        recipient=recipient,
        thread=row.thread,
        subject=row.subject,
        in_reply_to=next((row.external_id for row in earlier if row.author == "customer"), None),
        ticket_number=row.number,
        author=row.author,
        name=row.speaker or "",
        text=row.text,
        citations=tuple(Citation(**citation) for citation in row.citations),
        confidence=row.confidence,
        created_at=row.created_at,
        attachments=await _attachments(scope, row.id) if row.has_files else (),
        choices=await _choices(scope) if row.kind == "greeting" else (),
        earlier=tuple(Earlier(row.author, row.speaker or "", row.text, row.created_at) for row in earlier),
        others=others,
    )


def _recipient(row: Any) -> Person:
    return Person(row.external_id or "", row.name, row.email, row.language, bool(row.verified))


async def _people(scope: Scope, delivery: Delivery, customer: Person) -> tuple[Person, tuple[Person, ...]]:
    """To whom, and who else takes part. Whoever wrote through a channel that the customer never used comes first."""
    if delivery.recipient:
        return replace(customer, external_id=delivery.recipient, verified=False), ()
    where = {"conversation_id": delivery.conversation_id, "channel_id": delivery.channel_id}
    found = await scope.run(PARTICIPANTS, **where)
    others = [Person(row.external_id, row.name) for row in found if row.external_id != customer.external_id]
    if not customer.external_id and others:
        return replace(customer, external_id=others[0].external_id), tuple(others[1:])
    return customer, tuple(others)


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
