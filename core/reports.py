"""What a team is told regularly: what is overdue, each morning, and how the week was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Select, func, select

from core.models import Customer, Member, Message, Ticket, now
from core.models.conversations import Conversation
from core.service import Service
from core.tenancy import Scope

MOST_LINES = 20
MOST_GAPS = 5


@dataclass(frozen=True, slots=True)
class OverdueLine:
    number: int
    subject: str
    customer: str
    priority: str
    due_at: datetime
    assignee: str | None
    assignee_email: str | None


@dataclass(frozen=True, slots=True)
class Digest:
    """The morning's list."""

    overdue: tuple[OverdueLine, ...]
    """The longest overdue first; at most `MOST_LINES` of `overdue_count`."""
    overdue_count: int
    open_count: int
    unassigned_count: int


@dataclass(frozen=True, slots=True)
class Day:
    start: datetime
    """Midnight, local time."""
    answered: int
    """By the bot alone."""
    escalated: int
    silent: int
    """Messages to people who have the conversation."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Seven whole days."""

    days: tuple[Day, ...]
    opened: int
    resolved: int
    first_reply_minutes: float | None
    """Median, from opening to a person's first reply."""
    ratings: int
    rating: float | None
    """Mean, 1 to 5."""
    reasons: tuple[tuple[str, int], ...]
    """Why tickets were opened, the most frequent first."""
    gaps: tuple[str, ...]
    """Subjects of tickets that the documents did not cover, the newest first."""


async def digest(scope: Scope) -> Digest:
    still_open = scope.select(Ticket, Ticket.id).where(Ticket.status != "resolved")
    overdue = scope.select(Ticket, Ticket.id).where(Ticket.status != "resolved", Ticket.due_at < now())
    rows = await scope.session.execute(
        scope.select(Ticket, Ticket, Customer, Member.name, Member.email)
        .join(Conversation, Conversation.id == Ticket.conversation_id)
        .join(Customer, Customer.id == Conversation.customer_id)
        .outerjoin(Member, Member.id == Ticket.assignee_id)
        .where(Ticket.status != "resolved", Ticket.due_at < now())
        .order_by(Ticket.due_at)
        .limit(MOST_LINES)
    )
    return Digest(
        overdue=tuple(
            OverdueLine(
                number=ticket.number,
                subject=ticket.subject,
                customer=customer.name or customer.email or "A visitor",
                priority=ticket.priority,
                due_at=ticket.due_at,
                assignee=name,
                assignee_email=email,
            )
            for ticket, customer, name, email in rows
        ),
        overdue_count=await _count(scope, overdue),
        open_count=await _count(scope, still_open),
        unassigned_count=await _count(scope, still_open.where(Ticket.assignee_id.is_(None))),
    )


async def weekly(scope: Scope, service: Service, until: datetime) -> Weekly:
    """The seven local days before `until`'s."""
    midnight = until.astimezone(service.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight - timedelta(days=number) for number in range(7, 0, -1)]
    days = [await _day(scope, start, end) for start, end in zip(starts, [*starts[1:], midnight], strict=True)]
    opened = list(
        await scope.session.scalars(
            scope.select(Ticket).where(Ticket.created_at >= starts[0], Ticket.created_at < midnight)
        )
    )
    resolved = scope.select(Ticket, Ticket.id).where(Ticket.resolved_at >= starts[0], Ticket.resolved_at < midnight)
    rated = list(
        await scope.session.scalars(
            scope.select(Ticket, Ticket.rating).where(Ticket.rated_at >= starts[0], Ticket.rated_at < midnight)
        )
    )
    waits = [(t.first_reply_at - t.created_at).total_seconds() / 60 for t in opened if t.first_reply_at]
    uncovered = [t.subject for t in reversed(opened) if t.reason == "no_knowledge"]
    return Weekly(
        days=tuple(days),
        opened=len(opened),
        resolved=await _count(scope, resolved),
        first_reply_minutes=median(waits) if waits else None,
        ratings=len(rated),
        rating=sum(rated) / len(rated) if rated else None,
        reasons=tuple(Counter(ticket.reason for ticket in opened).most_common()),
        gaps=tuple(dict.fromkeys(uncovered))[:MOST_GAPS],
    )


async def _day(scope: Scope, start: datetime, end: datetime) -> Day:
    rows = await scope.session.execute(
        scope.select(Message, Message.outcome, func.count())
        .where(Message.author == "customer", Message.created_at >= start, Message.created_at < end)
        .group_by(Message.outcome)
    )
    counts: dict[str | None, int] = {row[0]: row[1] for row in rows}
    return Day(start, counts.get("answered", 0), counts.get("escalated", 0), counts.get("silent", 0))


async def _count(scope: Scope, query: Select[Any]) -> int:
    return int(await scope.session.scalar(select(func.count()).select_from(query.subquery())) or 0)
