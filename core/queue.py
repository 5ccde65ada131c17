"""The queue that two tables share: `messages` coming in and `deliveries` going out.

A row is claimed with a lease. While its conversation has another row in work, or an older one still
queued, it has to wait: that keeps each conversation in order and lets different ones run side by side.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.models import Delivery, Message, now

Table = type[Message] | type[Delivery]
LEASE = timedelta(seconds=60)
MAX_BACKOFF_S = 15 * 60


async def claim(session: AsyncSession, model: Table, owner: str, limit: int) -> list[tuple[UUID, UUID]]:
    """Takes up to `limit` rows that may be worked now, oldest first.

    Returns (id, organization id) pairs. The rows are `owner`'s until their lease ends.
    """
    moment = now()
    other: Any = aliased(model)
    blocked = exists().where(
        other.conversation_id == model.conversation_id,
        other.id != model.id,
        or_(other.state == "working", and_(other.state == "queued", other.id < model.id)),
    )
    due = (
        select(model.id)
        .where(model.state == "queued", model.available_at <= moment, ~blocked)
        .order_by(model.id)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    taken = await session.execute(
        update(model)
        .where(model.id.in_(due))
        .values(state="working", lease_owner=owner, lease_until=moment + LEASE, attempts=model.attempts + 1)
        .returning(model.id, model.organization_id)
        .execution_options(synchronize_session=False)
    )
    return sorted((row.id, row.organization_id) for row in taken)


async def release_expired(session: AsyncSession, model: Table, *, all_leases: bool = False) -> int:
    """Puts rows back whose worker is gone. With `all_leases`, every leased row: no other worker can exist."""
    statement = update(model).where(model.state == "working").values(state="queued", lease_owner=None)
    if not all_leases:
        statement = statement.where(model.lease_until < now())
    result: Any = await session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)


async def renew(session: AsyncSession, model: Table, owner: str, ids: list[UUID]) -> None:
    await session.execute(
        update(model)
        .where(model.id.in_(ids), model.lease_owner == owner, model.state == "working")
        .values(lease_until=now() + LEASE)
        .execution_options(synchronize_session=False)
    )


async def next_due(session: AsyncSession, model: Table, after: datetime) -> datetime | None:
    """When the first row that was not due at `after` becomes so. (One that was due is waiting for another row.)"""
    due: datetime | None = await session.scalar(
        select(func.min(model.available_at)).where(model.state == "queued", model.available_at > after)
    )
    return due


def backoff(attempts: int) -> timedelta:
    """Exponential from two seconds with full jitter between half and the whole of it."""
    ceiling = min(2.0**attempts, MAX_BACKOFF_S)
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))
