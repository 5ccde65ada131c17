"""Whose ticket it is, and when it is looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.desk.acting import Agent, change_open, changed, colleague, hand_to, name_of, ticket_of
from core.errors import BadInput, Conflict
from core.models import Ticket, now
from core.outbox import Outbox
from core.tenancy import Scope

LONGEST_SNOOZE = timedelta(days=366)


async def claim(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> Ticket:
    """Takes the ticket; the bot falls silent in its conversation. Raises `Conflict` if another agent has it."""
    ticket = await ticket_of(scope, number)
    taken: Any = await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.status != "resolved")
        .where((Ticket.assignee_id.is_(None)) | (Ticket.assignee_id == agent.id))
        .values(assignee_id=agent.id, assigned_at=now(), snoozed_until=None, updated_at=now())
    )
    if not taken.rowcount:
        raise Conflict(await _why_not(scope, ticket))
    await hand_to(scope, ticket.conversation_id, "person")
    await changed(scope, outbox, agent, "ticket.claimed", ticket)
    return await ticket_of(scope, number)


async def assign(scope: Scope, outbox: Outbox, agent: Agent | None, number: int, member_id: UUID) -> Ticket:
    """Gives the ticket to a colleague, whoever has it; the bot falls silent in its conversation.

    Raises `Conflict` when it is resolved, `BadInput` for a colleague who left.
    """
    ticket, member = await ticket_of(scope, number), await colleague(scope, member_id)
    since = ticket.assigned_at if ticket.assignee_id == member.id else None
    await change_open(scope, ticket, assignee_id=member.id, assigned_at=since or now())
    await hand_to(scope, ticket.conversation_id, "person")
    await changed(scope, outbox, agent, "ticket.assigned", ticket, to=str(member.id), name=member.name)
    return await ticket_of(scope, number)


async def release(scope: Scope, outbox: Outbox, agent: Agent | None, number: int) -> None:
    """Puts the ticket back for whoever takes it; the bot stays as silent as it is."""
    ticket = await ticket_of(scope, number)
    await change_open(scope, ticket, assignee_id=None, assigned_at=None)
    await changed(scope, outbox, agent, "ticket.released", ticket)


async def snooze(scope: Scope, outbox: Outbox, agent: Agent, number: int, until: datetime) -> None:
    """Out of sight until then, or until the customer writes."""
    if not now() < until <= now() + LONGEST_SNOOZE:
        raise BadInput("Snooze until a moment in the future, within a year.")
    ticket = await ticket_of(scope, number)
    await change_open(scope, ticket, snoozed_until=until)
    await changed(scope, outbox, agent, "ticket.snoozed", ticket, until=until.isoformat())


async def wake(scope: Scope, outbox: Outbox, agent: Agent | None, number: int) -> None:
    """Ends a snooze. Raises `Conflict` when the ticket is resolved."""
    ticket = await ticket_of(scope, number)
    await change_open(scope, ticket, snoozed_until=None)
    await changed(scope, outbox, agent, "ticket.woken", ticket)


async def hand_back(scope: Scope, outbox: Outbox, agent: Agent, number: int) -> None:
    """The bot answers again in the ticket's conversation; the ticket stays as it is."""
    ticket = await ticket_of(scope, number)
    await hand_to(scope, ticket.conversation_id, "bot")
    await changed(scope, outbox, agent, "ticket.handed_back", ticket)


async def _why_not(scope: Scope, ticket: Ticket) -> str:
    if ticket.status == "resolved":
        return f"Ticket #{ticket.number} is resolved already."
    name = await name_of(scope, ticket.assignee_id, "another agent")
    return f"Ticket #{ticket.number} is with {name} already."
