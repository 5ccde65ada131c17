"""Who gets a ticket, where the organization has tickets given out by themselves."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.models import Member, Ticket, now
from core.service import Service
from core.tenancy import Scope


async def next_agent(scope: Scope, service: Service, *, but: UUID | None = None) -> Member | None:
    """Whose turn it is among those who are not away; None if tickets are taken by hand, or nobody is there.

    Round robin takes who has waited longest for a ticket, least loaded who has the fewest open ones.
    """
    if service.assignment == "manual":
        return None
    members = scope.select(Member).where(Member.disabled_at.is_(None), ~Member.away, Member.id != but)
    waited = (Member.last_assigned_at.is_not(None), Member.last_assigned_at, Member.id)
    if service.assignment == "least_loaded":
        load = (
            select(func.count())
            .select_from(
                scope.select(Ticket, Ticket.id)
                .where(Ticket.assignee_id == Member.id, Ticket.status != "resolved")
                .correlate(Member)
                .subquery()
            )
            .scalar_subquery()
        )
        members = members.order_by(load, *waited)
    else:
        members = members.order_by(*waited)
    member: Member | None = await scope.session.scalar(members.limit(1).with_for_update(of=Member))
    if member:
        member.last_assigned_at = now()
    return member


async def unanswered(scope: Scope, service: Service) -> list[Ticket]:
    """Open tickets whose agent has had them for too long without a reply to the customer."""
    if service.reassign_after is None:
        return []
    moment = now()
    since = moment - timedelta(minutes=service.reassign_after)
    found = await scope.session.scalars(
        scope.select(Ticket)
        .where(Ticket.status == "open", Ticket.assignee_id.is_not(None), Ticket.assigned_at < since)
        .where(Ticket.due_at.is_not(None))
        .where(Ticket.snoozed_until.is_(None) | (Ticket.snoozed_until < moment))
        .order_by(Ticket.number)
        .limit(100)
    )
    return list(found)
