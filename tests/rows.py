"""What the database says, to assert on, and changes of it that only time or a person makes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from core.db import Database
from core.models import Delivery, DeskRemoval, Message, Tenant, now
from tests.waiting import until


async def rows(db: Database, organization_id: UUID, model: type[Tenant], **equal: Any) -> list[Any]:
    """The organization's rows of `model` whose columns equal what is given, oldest first."""
    async with db.read(organization_id) as scope:
        found = await scope.session.scalars(scope.select(model).filter_by(**equal).order_by(model.id))
        return list(found)


async def row(db: Database, organization_id: UUID, model: type[Tenant], **equal: Any) -> Any:
    """The one such row."""
    found = await rows(db, organization_id, model, **equal)
    assert len(found) == 1, f"{len(found)} rows of {model.__tablename__} where {equal}"
    return found[0]


async def change(db: Database, organization_id: UUID, model: type[Tenant], row_id: UUID, **values: Any) -> None:
    async with db.write(organization_id) as scope:
        changed = await scope.session.execute(scope.update(model).where(model.id == row_id).values(**values))
        assert changed.rowcount == 1


async def finished(db: Database, organization_id: UUID, message_id: UUID) -> Any:
    """The customer's message once its turn is over."""

    async def done() -> Any:
        message = await row(db, organization_id, Message, id=message_id)
        return message if message.state == "done" else None

    return await until(done)


async def an_hour_passes(db: Database) -> None:
    """Every backoff is over, and every lease that was not renewed has ended."""
    async with db.system(write=True) as scope:
        for table in (Message, Delivery):
            earlier = now() - timedelta(hours=1)
            await scope.session.execute(update(table).where(table.state == "queued").values(available_at=earlier))
            await scope.session.execute(update(table).where(table.state == "working").values(lease_until=earlier))
        await scope.session.execute(update(DeskRemoval).values(available_at=now() - timedelta(hours=1)))
