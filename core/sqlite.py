"""SQLite for an event loop: one thread crossing a statement, and durable commits.

aiosqlite runs each call on the connection's own thread. SQLAlchemy makes four calls a statement (cursor,
execute, fetchall, close), and a crossing costs about 0.15 ms, more than the statement itself. `Connection`
below does the four in one crossing, and sends the BEGIN of a transaction along with its first statement.
It is handed to SQLAlchemy through the documented `async_creator_fn`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

BUSY_TIMEOUT_MS = 10_000


class Cursor:
    """The part of an aiosqlite cursor that SQLAlchemy uses; rows are fetched as the statement runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Cursor:
        self._keep(await self._connection.run(sql, parameters, many=False))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Cursor:
        self._keep(await self._connection.run(sql, parameters, many=True))
        return self

    def _keep(self, result: tuple[list[Any], Any, int, int | None]) -> None:
        self._rows, self.description, self.rowcount, self.lastrowid = result

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []


class Connection(aiosqlite.Connection):
    _begin: str | None = None

    def begin_with_next_statement(self, sql: str) -> None:
        self._begin = sql

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def run(self, sql: str, parameters: Any, *, many: bool) -> tuple[list[Any], Any, int, int | None]:
        begin, self._begin = self._begin, None

        def work() -> tuple[list[Any], Any, int, int | None]:
            cursor = self._conn.cursor()
            try:
                if begin:
                    cursor.execute(begin)
                (cursor.executemany if many else cursor.execute)(sql, parameters)
                rows = cursor.fetchall() if cursor.description else []
                return rows, cursor.description, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        return await self._execute(work)  # type: ignore[no-any-return, no-untyped-call]

    async def commit(self) -> None:
        self._begin = None
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        self._begin = None
        if self.in_transaction:
            await super().rollback()


def connector(path: Path) -> Any:
    """A function that opens `path`, for SQLAlchemy's `async_creator_fn`."""

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL syncs the log at every commit: an acknowledged message survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    async def create(*_: Any, **__: Any) -> aiosqlite.Connection:
        connection = Connection(open_file, iter_chunk_size=64)
        # A process that ends without closing must not hang on this thread.
        connection._thread.daemon = True  # noqa: SLF001
        return await connection

    return create
