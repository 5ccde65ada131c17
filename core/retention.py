"""Forgetting: everything that is kept of a customer goes, for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from core.models import (
    AuditEntry,
    Conversation,
    Customer,
    CustomerIdentity,
    DeskPost,
    DeskRemoval,
    Draft,
    Message,
    Sent,
    Ticket,
    new_id,
)
from core.tenancy import Scope


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is stored of a customer."""

    conversations: int
    messages: int
    tickets: int


async def customer_of(scope: Scope, channel_id: UUID, external_id: str) -> UUID | None:
    """Who goes by this name on a channel."""
    found: UUID | None = await scope.session.scalar(
        scope.select(CustomerIdentity, CustomerIdentity.customer_id).where(
            CustomerIdentity.channel_id == channel_id, CustomerIdentity.external_id == external_id
        )
    )
    return found


async def known_as(scope: Scope, name: str) -> list[UUID]:
    """Everybody who gave this e-mail address, or goes by this name on some channel."""
    on_channels = scope.select(CustomerIdentity, CustomerIdentity.customer_id).where(
        CustomerIdentity.external_id.in_({name, name.lower()})
    )
    found = await scope.session.scalars(
        scope.select(Customer, Customer.id)
        .where(or_(func.lower(Customer.email) == name.lower(), Customer.id.in_(on_channels)))
        .order_by(Customer.id)
    )
    return list(found)


async def kept(scope: Scope, customer_id: UUID) -> Kept:
    conversations = scope.select(Conversation, Conversation.id).where(Conversation.customer_id == customer_id)

    async def count(query: Any) -> int:
        return int(await scope.session.scalar(select(func.count()).select_from(query.subquery())) or 0)

    return Kept(
        conversations=await count(conversations),
        messages=await count(scope.select(Message, Message.id).where(Message.conversation_id.in_(conversations))),
        tickets=await count(scope.select(Ticket, Ticket.id).where(Ticket.conversation_id.in_(conversations))),
    )


async def erase(scope: Scope, customer_id: UUID) -> None:
    """Deletes the customer with every conversation, message, file, ticket, draft and note, and what the audit quotes
    of them. What desks outside show of it is taken away there as soon as they can be reached. Raises `NotFound`."""
    customer = await scope.get(Customer, customer_id)
    conversations = scope.select(Conversation, Conversation.id).where(Conversation.customer_id == customer_id)
    about = or_(
        *(
            AuditEntry.subject_id.in_(scope.select(model, model.id).where(model.conversation_id.in_(conversations)))
            for model in (Message, Ticket, Draft)
        ),
        AuditEntry.subject_id.in_(conversations),
        AuditEntry.subject_id == customer_id,
    )
    await scope.session.execute(scope.delete(AuditEntry).where(about))
    await _take_from_desks(scope, conversations)
    await scope.session.delete(customer)
    scope.add(AuditEntry(action="customer.erased", details={}))


async def _take_from_desks(scope: Scope, conversations: Any) -> None:
    """What people typed there is theirs, and stays."""
    theirs = scope.select(Ticket, Ticket.id).where(Ticket.conversation_id.in_(conversations))
    posts = await scope.session.execute(
        scope.select(DeskPost, DeskPost.channel_id, DeskPost.place, DeskPost.external_id)
        .where(DeskPost.ticket_id.in_(theirs), DeskPost.kind != "typed")
        .order_by(DeskPost.id.desc())
    )
    for channel_id, place, external_id in [*posts, *await _reports(scope, conversations)]:
        scope.add(DeskRemoval(id=new_id(), channel_id=channel_id, place=place, external_id=external_id))


async def _reports(scope: Scope, conversations: Any) -> list[Any]:
    """Those that may name a ticket of these conversations. They are old news by now."""
    first = await scope.session.scalar(
        scope.select(Ticket, func.min(Ticket.created_at)).where(Ticket.conversation_id.in_(conversations))
    )
    if first is None:
        return []
    since = Sent.created_at >= first, Sent.external_id.is_not(None)
    found = await scope.session.execute(scope.select(Sent, Sent.channel_id, Sent.place, Sent.external_id).where(*since))
    rows = list(found)
    await scope.session.execute(scope.update(Sent).where(*since).values(place=None, external_id=None))
    return rows
