"""What a ticket is about, and how much it hurries."""

from __future__ import annotations

from core import categories, tickets
from core.accounts import OrganizationSettings, organization
from core.desk.acting import Agent, change_open, changed, ticket_of
from core.errors import BadInput
from core.outbox import Outbox
from core.tenancy import Scope


async def set_priority(scope: Scope, outbox: Outbox, agent: Agent, number: int, priority: str) -> None:
    if priority not in tickets.RANK:
        raise BadInput(f"A priority is one of {', '.join(tickets.RANK)}.")
    ticket = await ticket_of(scope, number)
    settings = OrganizationSettings.model_validate((await organization(scope)).settings)
    due_at = settings.service.due_at(priority, ticket.created_at) if ticket.due_at else None
    await change_open(scope, ticket, priority=priority, due_at=due_at)
    await changed(scope, outbox, agent, "ticket.priority", ticket, to=priority, before=ticket.priority)


async def set_category(scope: Scope, outbox: Outbox, agent: Agent, number: int, category: str | None) -> None:
    """None takes the category away. Whichever it is, later messages like the ticket's are sorted that way."""
    category = category[:64] if category else None
    ticket = await ticket_of(scope, number)
    before = ticket.category
    if category != before:
        await categories.learn(scope, ticket, category)
    await change_open(scope, ticket, category=category)
    await changed(scope, outbox, agent, "ticket.category", ticket, to=category, before=before)
