"""The database: transactions, and nothing else. They are committed here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core import sqlite
from core.errors import StartupError
from core.tenancy import EVERYONE, Scope

UNAVAILABLE = (DBAPIError, PoolTimeout, OSError)
"""What is raised while the database is away, or every connection is taken."""
NAME_ORGANIZATION = text("SELECT set_config('deskhand.organization_id', :id, true)")


class Database:
    """Reads run side by side; on SQLite writes wait in line for its one writer.

    On PostgreSQL each session tells row-level security which organization it may see. A session opened
    without one sees no tenant's row; `system()` is for the few jobs that serve all of them.
    """

    def __init__(self, url: URL) -> None:
        self.embedded = url.drivername.startswith("sqlite")
        if self.embedded:
            path = Path(url.database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _sqlite_engine(url, path, connections=1)
            self._reader = _sqlite_engine(url, path, connections=8)
            self._bulk_reader = _sqlite_engine(url, path, connections=2, bulk=True)
            _begin_immediate(self._writer)
        else:
            engine = _engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)
            self._writer = self._reader = self._bulk_reader = engine

    @asynccontextmanager
    async def write(self, organization_id: UUID) -> AsyncIterator[Scope]:
        """One transaction for one organization, committed when the block ends without an error."""
        async with self._scope(self._writer, organization_id) as scope:
            yield scope
            await _uninterrupted(scope.commit())
        for callback in scope.committed:
            callback()

    @asynccontextmanager
    async def read(self, organization_id: UUID, *, bulk: bool = False) -> AsyncIterator[Scope]:
        """For one organization; each statement sees what was committed before it.

        `bulk` is for statements that read thousands of rows: they must not hold up the event loop.
        """
        async with self._scope(self._bulk_reader if bulk else self._reader, organization_id) as scope:
            yield scope

    @asynccontextmanager
    async def system(self, *, write: bool = False) -> AsyncIterator[Scope]:
        """Across organizations: the queue's claims, signing in, finding whose webhook this is."""
        async with self._scope(self._writer if write else self._reader, EVERYONE) as scope:
            yield scope
            if write:
                await _uninterrupted(scope.commit())

    @asynccontextmanager
    async def _scope(self, engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Scope]:
        async with engine.connect() as connection:
            if not self.embedded:
                named = "*" if organization_id == EVERYONE else str(organization_id)
                await connection.execute(NAME_ORGANIZATION, {"id": named})
            scope = Scope(connection, organization_id)
            try:
                yield scope
            finally:
                await scope.close()

    async def run_sync(self, work: Callable[[Connection], Any]) -> Any:
        """Runs `work` on a plain connection in a transaction of its own; for migrations."""
        await self.ping()
        try:
            async with self._writer.begin() as connection:
                return await connection.run_sync(work)
        except (OSError, OperationalError, InterfaceError) as error:
            raise self._unreachable(error) from error

    async def ping(self) -> None:
        """Raises `StartupError` when the database does not answer."""
        try:
            async with self._reader.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except UNAVAILABLE as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> StartupError:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        where = self._reader.url.render_as_string(hide_password=True)
        return StartupError(
            f"The database {where} does not answer ({reason}). Check DESKHAND_DATABASE_URL and that it is running."
        )

    async def close(self) -> None:
        for engine in {self._writer, self._reader, self._bulk_reader}:
            await engine.dispose()


async def _uninterrupted(commit: Coroutine[Any, Any, None]) -> None:
    """A commit ends before its caller is cancelled: broken off in the middle, it would leave SQLite's only writing
    connection behind with the lock in its hands."""
    committing = asyncio.ensure_future(commit)
    try:
        await asyncio.shield(committing)
    except asyncio.CancelledError:
        await asyncio.wait([committing])
        committing.exception()  # whoever was cancelled does not ask for it
        raise


def _engine(url: URL, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        **options,
    )


def _sqlite_engine(url: URL, path: Path, connections: int, *, bulk: bool = False) -> AsyncEngine:
    return _engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"async_creator_fn": sqlite.connector(path, bulk=bulk)},
    )


def _begin_immediate(engine: AsyncEngine) -> None:
    """Takes SQLite's write lock at the start: a transaction that reads first can then never fail to upgrade."""

    @event.listens_for(engine.sync_engine, "begin")
    def _(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite.Connection)
        driver.writes_next = True
