"""The one place where a query gets its organization."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, CursorResult, Delete, Select, Update, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.errors import NotFound
from core.models.columns import Tenant

T = TypeVar("T", bound=Tenant)
OURS = "our_organization_id"
EVERYONE = UUID(int=0)
"""The scope of jobs that serve all organizations."""


def ours() -> BindParameter[UUID]:
    """Stands for the scope's organization in a statement that is built once and run with `Scope.run`."""
    return bindparam(OURS)


@cache
def _insert_if_absent(model: Any, dialect: str) -> Any:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return build(model).on_conflict_do_nothing().returning(model.id)


class Scope:
    """A transaction that belongs to one organization. Every query of a tenant's table starts here.

    Statements are built where they are used, except on the path of a message: building one takes longer
    than running it, so those are built once, with `ours()` in their conditions.
    """

    def __init__(self, connection: AsyncConnection, organization_id: UUID) -> None:
        self._connection = connection
        self._session: AsyncSession | None = None
        self.organization_id = organization_id
        self.committed: list[Callable[[], None]] = []

    @property
    def session(self) -> AsyncSession:
        """The transaction's session, for rows as objects; made at its first use."""
        if self._session is None:
            self._session = AsyncSession(self._connection, expire_on_commit=False, autoflush=False)
        return self._session

    async def commit(self) -> None:
        """For `core.db` alone."""
        if self._session:
            await self._session.flush()
        await self._connection.commit()

    async def close(self) -> None:
        """For `core.db` alone."""
        if self._session:
            await self._session.close()

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    async def run(self, statement: Any, **parameters: Any) -> CursorResult[Any]:
        """Runs a statement built beforehand, with `ours()` standing for this organization.

        In an UPDATE, parameters named like columns are the values to set.
        """
        result: CursorResult[Any] = await self._connection.execute(
            statement, {OURS: self.organization_id, **parameters}
        )
        return result

    async def objects(self, statement: Any, **parameters: Any) -> Any:
        """The objects in the one row that a SELECT built beforehand finds; see `run`."""
        return (await self.session.execute(statement, {OURS: self.organization_id, **parameters})).one()

    async def insert(self, statement: Any, **values: Any) -> CursorResult[Any]:
        """Runs an INSERT built beforehand, for a row of this organization."""
        result: CursorResult[Any] = await self._connection.execute(
            statement, {"organization_id": self.organization_id, **values}
        )
        return result

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

    async def insert_if_absent(self, model: type[T], **values: Any) -> bool:
        """Inserts the row; False when a unique key says that it is there already."""
        of: Any = model
        return (await self.insert(_insert_if_absent(of, self.dialect), **values)).scalar() is not None

    async def get(self, model: type[T], row_id: UUID) -> T:
        """The row. Raises `NotFound` also for another organization's, so that ids tell a stranger nothing."""
        row: T | None = await self.session.scalar(self.select(model).where(model.id == row_id))
        if row is None:
            raise NotFound(f"There is no {model.__name__.lower()} {row_id}.")
        return row

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs `callback` once the transaction is durable; not at all if it fails."""
        self.committed.append(callback)
