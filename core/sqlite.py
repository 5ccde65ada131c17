"""SQLite for an event loop.

aiosqlite hands each call to a thread, and SQLAlchemy makes four calls a statement. A statement here takes
20 microseconds, a hand-over 150, and while the event loop is busy the thread waits up to five milliseconds
for the interpreter's lock, with the database's only write lock in its hands. So the short statements of a
turn run on the event loop itself, and only what waits for the disk, the commit, goes to the thread.
Statements that read much (`bulk`) go to the thread too, in one hand-over instead of four.

`connector()` gives what SQLAlchemy documents as `async_creator_fn`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

LOCK_TIMEOUT_S = 10.0
Result = tuple[list[Any], Any, int, int | None]


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

    def _keep(self, result: Result) -> None:
        self._rows, self.description, self.rowcount, self.lastrowid = result

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []


class Connection(aiosqlite.Connection):
    bulk = False
    writes_next = False
    """Set when a transaction begins: the write lock is taken with its first statement."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def run(self, sql: str, parameters: Any, *, many: bool) -> Result:
        if self.writes_next:
            self.writes_next = False
            await self._take_write_lock()
        if self.bulk:
            return await self._execute(self._run, sql, parameters, many)  # type: ignore[no-any-return, no-untyped-call]
        return self._run(sql, parameters, many)

    def _run(self, sql: str, parameters: Any, many: bool) -> Result:
        cursor = self._conn.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, parameters)
            rows = cursor.fetchall() if cursor.description else []
            return rows, cursor.description, cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    async def _take_write_lock(self) -> None:
        """Waits for another process (an `ingest`, a backup) without holding up the event loop."""
        give_up = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                self._conn.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(0.01)
            else:
                return

    async def commit(self) -> None:
        self.writes_next = False
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        self.writes_next = False
        if self.in_transaction:
            self._conn.rollback()


def connector(path: Path, *, bulk: bool = False) -> Any:
    """A coroutine function that opens `path`."""

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL syncs the log at every commit: an acknowledged message survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    async def create(*_: Any, **__: Any) -> aiosqlite.Connection:
        connection = Connection(open_file, iter_chunk_size=64)
        connection.bulk = bulk
        # A process that ends without closing must not hang on this thread.
        connection._thread.daemon = True  # noqa: SLF001
        return await connection

    return create
