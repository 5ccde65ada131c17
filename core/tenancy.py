"""The one place where a query gets its organization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Delete, Select, Update, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.models.columns import Tenant

T = TypeVar("T", bound=Tenant)


class Scope:
    """A session that belongs to one organization. Every query of a tenant's table starts here."""

    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self.session = session
        self.organization_id = organization_id
        self.committed: list[Callable[[], None]] = []

    def select(self, model: type[T], *columns: Any) -> Select[Any]:
        """SELECT of whole rows, or of `columns`, from this organization's rows of `model`."""
        return select(*(columns or (model,))).where(model.organization_id == self.organization_id)

    def update(self, model: type[T]) -> Update:
        return update(model).where(model.organization_id == self.organization_id)

    def delete(self, model: type[T]) -> Delete:
        return delete(model).where(model.organization_id == self.organization_id)

    def add(self, row: T) -> T:
        row.organization_id = self.organization_id
        self.session.add(row)
        return row

    async def create(self, model: type[T], **values: Any) -> None:
        """Inserts the row at once, where rows that refer to it follow in the same transaction."""
        await self.session.execute(self.insert(model, **values))

    def insert(self, model: type[T], **values: Any) -> Any:
        """INSERT of one row, with the ON CONFLICT clauses that both databases know."""
        dialect = sqlite if self.session.get_bind().dialect.name == "sqlite" else postgresql
        return dialect.insert(model).values(organization_id=self.organization_id, **values)

    async def insert_if_absent(self, model: type[T], **values: Any) -> bool:
        """Inserts the row; False when a unique key says that it is there already."""
        statement = self.insert(model, **values).on_conflict_do_nothing().returning(model.id)
        return await self.session.scalar(statement) is not None

    async def get(self, model: type[T], row_id: UUID) -> T:
        """The row. Raises `NotFound` also for another organization's, so that ids tell a stranger nothing."""
        row: T | None = await self.session.scalar(self.select(model).where(model.id == row_id))
        if row is None:
            raise NotFound(f"There is no {model.__name__.lower()} {row_id}.")
        return row

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs `callback` once the transaction is durable; not at all if it fails."""
        self.committed.append(callback)
