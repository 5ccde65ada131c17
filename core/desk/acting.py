"""What all the verbs share: who acts, on which ticket, who speaks next, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.errors import BadInput, Conflict, NotFound
from core.models import AuditEntry, Conversation, Member, Ticket, now
from core.outbox import Outbox
from core.tenancy import Scope

LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Agent:
    """The member who acts."""

    id: UUID
    name: str


async def ticket_of(scope: Scope, number: int) -> Ticket:
    """The ticket as the database has it now. Raises `NotFound`."""
    ticket: Ticket | None = None
    if 0 <= number <= LARGEST_NUMBER:
        ticket = await scope.session.scalar(
            scope.select(Ticket).where(Ticket.number == number).execution_options(populate_existing=True)
        )
    if ticket is None:
        raise NotFound(f"There is no ticket #{number}.")
    return ticket


async def change_open(scope: Scope, ticket: Ticket, **values: Any) -> None:
    """Raises `Conflict` when the ticket is resolved."""
    changed: Any = await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.status != "resolved")
        .values(**values, updated_at=now())
    )
    if not changed.rowcount:
        raise Conflict(f"Ticket #{ticket.number} is resolved already. Reopen it first.")


async def changed(
    scope: Scope, outbox: Outbox, agent: Agent | None, action: str, ticket: Ticket, **details: Any
) -> None:
    """Leaves the line in the audit, and has the ticket shown anew. Without an agent the product itself acted."""
    note(scope, agent, action, ticket.id, **details)
    await outbox.tell_desks(scope, ticket)


def note(scope: Scope, agent: Agent | None, action: str, subject_id: UUID, **details: Any) -> None:
    scope.add(AuditEntry(actor_id=agent.id if agent else None, action=action, subject_id=subject_id, details=details))


async def hand_to(scope: Scope, conversation_id: UUID, handler: str) -> None:
    """The new version makes a reply that the bot is computing just now worthless."""
    await scope.session.execute(
        scope.update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(handler=handler, version=Conversation.version + 1)
    )


async def colleague(scope: Scope, member_id: UUID) -> Member:
    """An active member of the organization. Raises `NotFound`, or `BadInput` for one who left."""
    member = await scope.get(Member, member_id)
    if member.disabled_at:
        raise BadInput(f"{member.name} is no longer with the team. Choose somebody else.")
    return member


async def name_of(scope: Scope, member_id: UUID | None, default: str) -> str:
    name: str | None = await scope.session.scalar(scope.select(Member, Member.name).where(Member.id == member_id))
    return name or default
