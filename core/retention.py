"""Forgetting: everything that is kept of a customer goes, for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from core.models import AuditEntry, Conversation, Customer, CustomerIdentity, Draft, Message, Ticket
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
    of them. Raises `NotFound`."""
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
    await scope.session.delete(customer)
    scope.add(AuditEntry(action="customer.erased", details={}))
