"""Senders whom nobody wants to hear of again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.desk.acting import Agent, changed, ticket_of
from core.desk.closing import close
from core.models import Conversation, Customer, Ticket, now
from core.outbox import Outbox
from core.tenancy import Scope


async def block(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """What the ticket's customer writes from now on is kept, and makes no ticket and gets no answer.

    An open ticket is closed as spam. Blocking twice changes nothing.
    """
    ticket = await ticket_of(scope, number)
    if ticket.status != "resolved":
        await close(scope, outbox, ticket, "spam")
    if await _set(scope, ticket, blocked=True):
        await changed(scope, outbox, agent, "customer.blocked", ticket)


async def unblock(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """Their next message is answered like anybody's."""
    ticket = await ticket_of(scope, number)
    if await _set(scope, ticket, blocked=False):
        await changed(scope, outbox, agent, "customer.unblocked", ticket)


async def _set(scope: Scope, ticket: Ticket, *, blocked: bool) -> UUID | None:
    """The customer, if that changed something."""
    theirs = scope.select(Conversation, Conversation.customer_id).where(Conversation.id == ticket.conversation_id)
    before: Any = Customer.blocked_at.is_(None) if blocked else Customer.blocked_at.is_not(None)
    found: UUID | None = await scope.session.scalar(
        scope.update(Customer)
        .where(Customer.id.in_(theirs), before)
        .values(blocked_at=now() if blocked else None)
        .returning(Customer.id)
    )
    return found
