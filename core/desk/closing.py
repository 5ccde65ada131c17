"""The end of a ticket, and its return."""

from __future__ import annotations

from typing import Any, Literal

from core import ratings, tickets
from core.desk.acting import Agent, changed, hand_to, ticket_of
from core.errors import BadInput, Conflict
from core.models import Conversation, Note, Ticket, new_id, now
from core.outbox import Outbox
from core.tenancy import Scope

Resolution = Literal["solved", "spam", "merged"]


async def resolve(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """Closes the ticket. The bot answers again when the customer next writes.

    A ticket that is closed already stays as it is: whoever presses twice has done nothing wrong.
    """
    ticket = await ticket_of(scope, number)
    if ticket.status == "resolved":
        return
    await close(scope, outbox, ticket, "solved")
    await changed(scope, outbox, agent, "ticket.resolved", ticket)


async def reopen(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """Raises `Conflict` when it is open, merged away, or its conversation has a newer open ticket."""
    ticket = await ticket_of(scope, number)
    if ticket.status != "resolved":
        raise Conflict(f"Ticket #{number} is open already.")
    if ticket.merged_into:
        raise Conflict(f"Ticket #{number} was merged into #{ticket.merged_into}. Go on there.")
    newer = await scope.session.scalar(
        scope.select(Ticket, Ticket.number).where(Ticket.conversation_id == ticket.conversation_id, tickets.IS_OPEN)
    )
    if newer:
        raise Conflict(f"The customer's open ticket is #{newer}. Go on there.")
    await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id)
        .values(status="open", resolution=None, resolved_at=None, updated_at=now())
    )
    await hand_to(scope, ticket.conversation_id, "person")
    await changed(scope, outbox, agent, "ticket.reopened", ticket)


async def mark_spam(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """Closes the ticket without a word to whoever wrote. Raises `Conflict` if it is closed already."""
    ticket = await _open_ticket(scope, number)
    await close(scope, outbox, ticket, "spam")
    await changed(scope, outbox, agent, "ticket.spam", ticket)


async def merge(scope: Scope, outbox: Outbox, agent: Agent, number: int, into: int) -> None:
    """Closes a duplicate in favour of another ticket of the same customer, where a note points to it.

    Raises `BadInput` for tickets of two customers: what one wrote, the other must never see.
    """
    ticket, other = await _open_ticket(scope, number), await ticket_of(scope, into)
    if ticket.id == other.id:
        raise BadInput("A ticket cannot be merged into itself.")
    if await _customer(scope, ticket) != await _customer(scope, other):
        raise BadInput(f"#{number} and #{into} are of different customers, who must not see each other's words.")
    if other.status == "resolved":
        raise Conflict(f"Ticket #{into} is resolved. Reopen it first.")
    await close(scope, outbox, ticket, "merged", merged_into=into)
    scope.add(Note(id=new_id(), ticket_id=other.id, member_id=agent.id, text=f"#{number} was merged into this ticket."))
    await changed(scope, outbox, agent, "ticket.merged", ticket, into=into)
    await changed(scope, outbox, agent, "ticket.absorbed", other, merged=number)


async def close(scope: Scope, outbox: Outbox, ticket: Ticket, resolution: Resolution, **values: Any) -> None:
    moment = now()
    closed: Any = await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id, tickets.IS_OPEN)
        .values(
            status="resolved",
            resolution=resolution,
            resolved_at=moment,
            updated_at=moment,
            due_at=None,
            snoozed_until=None,
            **values,
        )
    )
    await tickets.outdate_drafts(scope, ticket.conversation_id)
    await hand_to(scope, ticket.conversation_id, "bot")
    if closed.rowcount and resolution == "solved":
        await ratings.ask(scope, outbox, ticket)


async def _open_ticket(scope: Scope, number: int) -> Ticket:
    ticket = await ticket_of(scope, number)
    if ticket.status == "resolved":
        raise Conflict(f"Ticket #{number} is resolved already.")
    return ticket


async def _customer(scope: Scope, ticket: Ticket) -> Any:
    return await scope.session.scalar(
        scope.select(Conversation, Conversation.customer_id).where(Conversation.id == ticket.conversation_id)
    )
