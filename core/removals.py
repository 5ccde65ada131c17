"""Taking away what desks outside show of people who were erased here, however long a desk is out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update

from core import alerts
from core.db import Database
from core.models import Channel, DeskRemoval, now
from core.outbox import DeliveryError, DeskSender, Posted
from core.queue import backoff

AT_ONCE = 40
LEASE = timedelta(minutes=2)
LOST = "What {name!r} shows of a customer who was erased could not be taken away, so do it by hand: {reason}"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Due:
    id: UUID
    channel: Channel
    post: Posted
    attempts: int


async def work(db: Database, desks: Mapping[str, DeskSender]) -> None:
    """Takes away what is due. A desk that cannot be reached is asked again later."""
    resting: set[UUID] = set()
    for due in await _taken(db):
        if due.channel.id in resting or due.channel.kind not in desks:
            continue
        try:
            await desks[due.channel.kind].remove(due.channel, due.post)
        except DeliveryError as error:
            log.warning("removal.failed", channel=str(due.channel.id), reason=error.detail)
            resting.add(due.channel.id)
            await _failed(db, due, error)
        else:
            await _done(db, due)


async def _taken(db: Database) -> list[Due]:
    """Leased to us: what we leave undone is due again when the lease ends."""
    moment = now()
    is_due = DeskRemoval.available_at <= moment
    found = (
        select(DeskRemoval.id)
        .join(Channel, Channel.id == DeskRemoval.channel_id)
        .where(is_due, Channel.disabled_at.is_(None))
        .order_by(DeskRemoval.id)
        .limit(AT_ONCE)
    )
    async with db.system() as scope:
        if (await scope.session.scalar(found)) is None:
            return []
    async with db.system(write=True) as scope:
        taken = await scope.run(
            update(DeskRemoval)
            .where(DeskRemoval.id.in_(found), is_due)
            .values(available_at=moment + LEASE, attempts=DeskRemoval.attempts + 1)
            .returning(DeskRemoval.id)
        )
        ids = list(taken.scalars())
        rows = await scope.session.execute(
            select(DeskRemoval, Channel)
            .join(Channel, Channel.id == DeskRemoval.channel_id)
            .where(DeskRemoval.id.in_(ids))
            .order_by(DeskRemoval.id)
        )
        return [Due(row.id, channel, Posted(row.place, row.external_id), row.attempts) for row, channel in rows]


async def _failed(db: Database, due: Due, error: DeliveryError) -> None:
    if error.permanent and not error.channel_broken:
        async with db.write(due.channel.organization_id) as scope:
            text = LOST.format(name=due.channel.name, reason=error.detail)
            await alerts.raise_alert(scope, f"removal:{due.channel.id}", text)
        await _done(db, due)
        return
    pause = timedelta(seconds=error.retry_after) if error.retry_after is not None else backoff(due.attempts)
    async with db.write(due.channel.organization_id) as scope:
        later: Any = scope.update(DeskRemoval).where(DeskRemoval.id == due.id).values(available_at=now() + pause)
        await scope.session.execute(later)


async def _done(db: Database, due: Due) -> None:
    async with db.write(due.channel.organization_id) as scope:
        await scope.session.execute(scope.delete(DeskRemoval).where(DeskRemoval.id == due.id))
