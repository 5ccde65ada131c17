"""What vendors call us with: stored under the vendor's own id before it is acknowledged, worked once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.db import Database
from core.messages import JsonObject
from core.models import WebhookEvent, new_id, now

LEASE = timedelta(seconds=60)
KEPT = timedelta(days=3)
"""How long an id is remembered: vendors repeat a call for a day at most."""
MAX_ATTEMPTS = 5
log = structlog.get_logger()


class Webhooks:
    """One vendor's. A call that this process does not finish is worked again, here or elsewhere."""

    def __init__(self, db: Database, source: str) -> None:
        self._db = db
        self._source = source

    async def accept(self, external_id: str, payload: JsonObject) -> UUID | None:
        """Stores the call, leased to the caller. None when it is known: a repeated call changes nothing."""
        async with self._db.system(write=True) as scope:
            build: Any = sqlite.insert if scope.dialect == "sqlite" else postgresql.insert
            statement = build(WebhookEvent).values(
                id=new_id(),
                created_at=now(),
                source=self._source,
                external_id=external_id[:200],
                payload=payload,
                attempts=1,
                lease_until=now() + LEASE,
            )
            stored = await scope.run(statement.on_conflict_do_nothing().returning(WebhookEvent.id))
            found: UUID | None = stored.scalar()
        return found

    async def finish(self, event_id: UUID) -> None:
        """The id stays for a while, what it said goes."""
        async with self._db.system(write=True) as scope:
            await scope.run(
                update(WebhookEvent).where(WebhookEvent.id == event_id).values(done_at=now(), payload={}, error=None)
            )

    async def fail(self, event_id: UUID, reason: str) -> None:
        """It is worked again when its lease ends, up to `MAX_ATTEMPTS` times."""
        async with self._db.system(write=True) as scope:
            await scope.run(update(WebhookEvent).where(WebhookEvent.id == event_id).values(error=reason[:500]))

    async def recover(self, work: Callable[[UUID, JsonObject], Awaitable[None]], *, everything: bool = False) -> int:
        """Works what was accepted and never finished; `everything` also what is leased, as no other process exists."""
        async with self._db.system(write=True) as scope:
            await scope.run(delete(WebhookEvent).where(WebhookEvent.created_at < now() - KEPT))
            due = select(WebhookEvent.id).where(
                WebhookEvent.source == self._source,
                WebhookEvent.done_at.is_(None),
                WebhookEvent.attempts < MAX_ATTEMPTS,
            )
            if not everything:
                due = due.where(WebhookEvent.lease_until < now())
            taken = await scope.run(
                update(WebhookEvent)
                .where(WebhookEvent.id.in_(due))
                .values(lease_until=now() + LEASE, attempts=WebhookEvent.attempts + 1)
                .returning(WebhookEvent.id, WebhookEvent.payload)
            )
            rows = sorted(taken.all(), key=lambda row: row.id)
        for row in rows:
            log.warning("webhook.recovered", source=self._source, id=str(row.id))
            await work(row.id, row.payload)
        return len(rows)
