"""The queue that two tables share: `messages` coming in and `deliveries` going out.

A row is claimed with a lease. While its line, which is one conversation on one channel, has another row in work,
or an older one still queued, it has to wait: that keeps each line in order and lets different ones run side by side.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.orm import aliased

from core.models import Delivery, Message, UtcDateTime, now
from core.models.conversations import PENDING
from core.tenancy import Scope

Table = type[Message] | type[Delivery]
LEASE = timedelta(seconds=60)
MAX_BACKOFF_S = 15 * 60


@cache
def _claim(table: Table, dialect: str) -> Any:
    other: Any = aliased(table)
    moment = bindparam("moment", type_=UtcDateTime())
    blocked = exists().where(
        _pending(other),
        other.conversation_id == table.conversation_id,
        other.channel_id == table.channel_id,
        other.id != table.id,
        or_(other.state == "working", and_(other.state == "queued", other.id < table.id)),
    )
    due: Any = (
        select(table.id)
        .where(_pending(table), table.state == "queued", table.available_at <= moment, ~blocked)
        .order_by(table.id)
        .limit(bindparam("most"))
    )
    if dialect == "postgresql":
        # A CTE runs once; a plain subquery may run again for each row, and then claims more than `most`.
        due = select(due.with_for_update(skip_locked=True).cte("due").c.id)
    return (
        update(table)
        .where(table.id.in_(due))
        .values(
            state="working",
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until", type_=UtcDateTime()),
            attempts=table.attempts + 1,
        )
        .returning(table.id, table.organization_id, table.conversation_id, table.channel_id, _more(table))
    )


def _more(table: Table) -> Any:
    """In text, as SQLAlchemy names no tables in SQLite's RETURNING, and so would compare the row with itself."""
    name = table.__tablename__
    same_line = f"other.conversation_id = {name}.conversation_id AND other.channel_id = {name}.channel_id"
    beside = f"{same_line} AND other.id <> {name}.id AND other.{PENDING}"
    exists_beside = f"EXISTS (SELECT 1 FROM {name} AS other WHERE {beside})"  # noqa: S608 - names of our own
    return literal_column(exists_beside, Boolean()).label("more")


def _pending(table: Any) -> Any:
    """In literals, so that SQLite sees the partial index of the same condition."""
    return table.state.in_([literal_column("'queued'"), literal_column("'working'")])


class Claimed(NamedTuple):
    id: UUID
    organization_id: UUID
    conversation_id: UUID
    channel_id: UUID
    more: bool
    """Whether another row of the line waits for this one."""


async def claim(scope: Scope, table: Table, owner: str, most: int) -> list[Claimed]:
    """Takes up to `most` rows that may be worked now, oldest first. They are `owner`'s until their lease ends."""
    moment = now()
    taken = await scope.run(_claim(table, scope.dialect), moment=moment, until=moment + LEASE, owner=owner, most=most)
    return sorted(Claimed._make(row) for row in taken)


async def release_expired(scope: Scope, table: Table, *, all_leases: bool = False) -> int:
    """Puts rows back whose worker is gone. With `all_leases`, every leased row: no other worker can exist."""
    statement = update(table).where(_pending(table), table.state == "working").values(state="queued", lease_owner=None)
    if not all_leases:
        statement = statement.where(table.lease_until < now())
    return (await scope.run(statement)).rowcount


async def renew(scope: Scope, table: Table, owner: str, ids: list[UUID]) -> None:
    await scope.run(
        update(table)
        .where(table.id.in_(ids), table.lease_owner == owner, table.state == "working")
        .values(lease_until=now() + LEASE)
    )


async def next_due(scope: Scope, table: Table, after: datetime) -> datetime | None:
    """When the first row that was not due at `after` becomes so. (One that was due is waiting for another row.)"""
    statement = select(func.min(table.available_at)).where(
        _pending(table), table.state == "queued", table.available_at > after
    )
    due: datetime | None = (await scope.run(statement)).scalar()
    return due


def backoff(attempts: int) -> timedelta:
    """Exponential from two seconds, with jitter between half and the whole of it."""
    ceiling = min(2 ** min(attempts, 20), MAX_BACKOFF_S)
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))
