"""Tickets: opened when the agent hands over, one open ticket a conversation at most."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, literal_column, select, update

from core import routing
from core.agent.state import Answer, Outcome, Reason
from core.models import Draft, Organization, Ticket, new_id, now
from core.service import PRIORITIES, Service
from core.tenancy import Scope, ours

RANK: dict[str, int] = {priority: rank for rank, priority in enumerate(PRIORITIES)}
RAISED: dict[Reason, str] = {"sensitive": "high", "frustrated": "high", "error": "high"}
URGENT = 0.8

# In literals, so that SQLite sees the partial indexes of the same conditions.
IS_OPEN = Ticket.status != literal_column("'resolved'")
IS_PENDING = Draft.state == literal_column("'pending'")
REOPEN = update(Ticket).where(
    Ticket.organization_id == ours(), Ticket.conversation_id == bindparam("conversation"), IS_OPEN
)
EVERY = UUID(int=2**128 - 1)
"""Later than every id."""
PENDING_DRAFT = (
    select(Draft.id)
    .where(
        Draft.organization_id == ours(),
        Draft.conversation_id == bindparam("conversation"),
        Draft.message_id < bindparam("before"),
        IS_PENDING,
    )
    .limit(1)
)
OUTDATE = (
    update(Draft)
    .where(
        Draft.organization_id == ours(),
        Draft.conversation_id == bindparam("conversation"),
        Draft.message_id < bindparam("before"),
        IS_PENDING,
    )
    .values(version=Draft.version + 1)
)


async def open_or_join(
    scope: Scope, conversation_id: UUID, message_id: UUID, subject: str, outcome: Outcome, service: Service
) -> tuple[Ticket, bool]:
    """The conversation's open ticket, opened for this message if there is none. Says whether it was opened just now."""
    ticket = await customer_wrote(scope, conversation_id, message_id, service)
    priority = _priority(outcome)
    if ticket:
        if RANK[priority] > RANK[ticket.priority]:
            ticket.priority, ticket.due_at = priority, service.due_at(priority, now())
        return ticket, False
    agent = await routing.next_agent(scope, service)
    ticket = scope.add(
        Ticket(
            id=new_id(),
            number=await _next_number(scope),
            conversation_id=conversation_id,
            subject=subject,
            reason=outcome.decision.reason,
            priority=priority,
            category=outcome.reading.category,
            mood=outcome.reading.sentiment.label,
            due_at=service.due_at(priority, now()),
            assignee_id=agent.id if agent else None,
            assigned_at=now() if agent else None,
        )
    )
    # The notice to the customer and the draft refer to it.
    await scope.session.flush()
    return ticket, True


def _priority(outcome: Outcome) -> str:
    if outcome.reading.sensitive == "danger":
        return "urgent"
    urgent = outcome.reading.sentiment.urgency >= URGENT
    raised = RAISED.get(outcome.decision.reason or "error", "normal")
    return "urgent" if urgent and raised == "high" else "high" if urgent else raised


async def _next_number(scope: Scope) -> int:
    number = await scope.session.scalar(
        update(Organization)
        .where(Organization.id == scope.organization_id)
        .values(last_ticket_number=Organization.last_ticket_number + 1)
        .returning(Organization.last_ticket_number)
        .execution_options(synchronize_session=False)
    )
    return int(number or 0)


async def customer_wrote(scope: Scope, conversation_id: UUID, message_id: UUID, service: Service) -> Ticket | None:
    """A newer message: the open ticket needs a person again, and drafts for older ones no longer fit. Returns that
    ticket. (A draft for this message may be there already: somebody was quick to ask for one.)

    The first message after a reply starts the time in which the next reply is due.
    """
    await scope.run(REOPEN, conversation=conversation_id, status="open", snoozed_until=None, updated_at=now())
    await outdate_drafts(scope, conversation_id, message_id)
    ticket = await open_ticket(scope, conversation_id)
    if ticket and ticket.due_at is None:
        ticket.due_at, ticket.overdue_at = service.due_at(ticket.priority, now()), None
    return ticket


async def outdate_drafts(scope: Scope, conversation_id: UUID, before: UUID = EVERY) -> None:
    """Those for messages older than the one named."""
    await scope.run(OUTDATE, conversation=conversation_id, before=before, state="stale")


async def open_ticket(scope: Scope, conversation_id: UUID) -> Ticket | None:
    """The conversation's open ticket, as the database has it now."""
    found: Ticket | None = await scope.session.scalar(
        scope.select(Ticket)
        .where(Ticket.conversation_id == conversation_id, IS_OPEN)
        .execution_options(populate_existing=True)
    )
    return found


async def has_draft(scope: Scope, conversation_id: UUID, before: UUID) -> bool:
    """Whether one for an older message waits for a decision."""
    return (await scope.run(PENDING_DRAFT, conversation=conversation_id, before=before)).scalar() is not None


def offer_draft(scope: Scope, ticket: Ticket, message_id: UUID, answer: Answer) -> Draft:
    return scope.add(
        Draft(
            id=new_id(),
            ticket_id=ticket.id,
            conversation_id=ticket.conversation_id,
            message_id=message_id,
            text=answer.text,
            citations=[citation.as_json() for citation in answer.citations],
            unproven=list(answer.unproven),
            confidence=answer.confidence,
        )
    )
