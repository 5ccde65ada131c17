from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from core.db import Database
from core.errors import StartupError
from core.helpdesk import Helpdesk
from core.models import Channel, Customer, Member, Organization, new_id
from tests.cast import Shop
from tests.rows import row, rows


async def test_what_a_block_wrote_is_kept_only_if_it_ends_well(idle: Helpdesk, idle_acme: Shop) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        scope.add(Customer(name="kept"))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction has to end inside
        async with idle.db.write(idle_acme.id) as scope:
            scope.add(Customer(name="flushed and lost"))
            await scope.session.flush()
            raise ZeroDivisionError
    assert [customer.name for customer in await rows(idle.db, idle_acme.id, Customer)] == ["kept"]


async def test_what_a_reading_block_wrote_is_never_kept(idle: Helpdesk, idle_acme: Shop) -> None:
    async with idle.db.read(idle_acme.id) as scope:
        scope.add(Customer(name="by mistake"))
    assert await rows(idle.db, idle_acme.id, Customer) == []


async def test_readers_see_nothing_unfinished_and_do_not_wait_for_it(idle: Helpdesk, idle_acme: Shop) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        scope.add(Customer(name="unfinished"))
        await scope.session.flush()
        assert await asyncio.wait_for(rows(idle.db, idle_acme.id, Customer), 5) == []
    await row(idle.db, idle_acme.id, Customer)


async def test_writers_wait_for_each_other_and_lose_no_update(idle: Helpdesk, idle_acme: Shop) -> None:
    async def count() -> None:
        async with idle.db.write(idle_acme.id) as scope:
            organization = await scope.session.get_one(Organization, idle_acme.id, with_for_update=True)
            await asyncio.sleep(0)
            organization.last_ticket_number += 1

    await asyncio.gather(*(count() for _ in range(30)))
    async with idle.db.read(idle_acme.id) as scope:
        assert (await scope.session.get_one(Organization, idle_acme.id)).last_ticket_number == 1030


async def test_a_row_that_refers_to_nothing_is_refused(idle: Helpdesk, idle_acme: Shop) -> None:
    """SQLite checks foreign keys only when told to, on each connection."""
    for _ in range(3):
        with pytest.raises(IntegrityError):
            async with idle.db.write(new_id()) as scope:
                scope.add(Channel(kind="api", name="of nobody", public_key=str(new_id())))


async def test_a_writer_cancelled_while_it_commits_leaves_the_database_usable(idle: Helpdesk, idle_acme: Shop) -> None:
    async def write(number: int) -> None:
        async with idle.db.write(idle_acme.id) as scope:
            scope.add(Customer(name=str(number)))

    for number in range(40):
        task = asyncio.create_task(write(number))
        await asyncio.sleep(0.0003 * (number % 10))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(write(99), 5)
    names = [customer.name for customer in await rows(idle.db, idle_acme.id, Customer)]
    assert names[-1] == "99"
    assert len(names) == len(set(names))


async def test_sqlite_waits_for_another_programs_lock(helpdesk: Helpdesk, acme: Shop, tmp_path: Path) -> None:
    """`deskhand ingest` or a backup, beside the server: the event loop goes on meanwhile."""
    other = sqlite3.connect(tmp_path / "deskhand.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with helpdesk.db.write(acme.id) as scope:
            scope.add(Customer(name="patient"))

    writing = asyncio.create_task(write())
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert not writing.done()
    assert await rows(helpdesk.db, acme.id, Customer) == []
    other.execute("COMMIT")
    other.close()
    await asyncio.wait_for(writing, 5)
    await row(helpdesk.db, acme.id, Customer, name="patient")


async def test_sqlite_is_durable_at_each_commit(helpdesk: Helpdesk) -> None:
    async with helpdesk.db.system(write=True) as scope:
        pragmas = {
            name: (await scope.session.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


UNREACHABLE = ["postgresql+asyncpg://desk:hunter2@127.0.0.1:1/desk", "postgresql+asyncpg://desk:hunter2@[::1]:1/desk"]


@pytest.mark.parametrize("url", UNREACHABLE)
async def test_a_database_that_does_not_answer_is_named_without_its_password(url: str) -> None:
    db = Database(make_url(url))
    for attempt in (db.ping(), db.run_sync(lambda connection: None)):
        with pytest.raises(StartupError, match=r"(127\.0\.0\.1|::1)") as refused:
            await attempt
        assert "hunter2" not in refused.value.detail
    await db.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("change", [{"database": "no_such_database"}, {"username": "no_such_role"}])
async def test_a_server_that_refuses_us_is_named_with_its_reason(postgres_url: str, change: dict[str, str]) -> None:
    db = Database(make_url(postgres_url).set(drivername="postgresql+asyncpg", database="postgres").set(**change))
    for attempt in (db.ping(), db.run_sync(lambda connection: None)):
        with pytest.raises(StartupError, match="no_such"):
            await attempt
    await db.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.db").write_text("this is a shopping list " * 100)
    db = Database(make_url(f"sqlite+aiosqlite:///{tmp_path / 'list.db'}"))
    before = set(threading.enumerate())
    with pytest.raises(StartupError, match=r"list\.db"):
        await db.ping()
    await db.close()
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 5)  # the driver's: it reports to this loop, which must still be there


async def test_a_writer_that_is_cancelled_at_any_moment_leaves_the_database_to_the_next(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    """Broken off in a commit, SQLite's one writing connection would be lost with the lock in its hands."""

    async def write(number: int) -> None:
        async with idle.db.write(idle_acme.id) as scope:
            await scope.session.execute(scope.update(Member).values(name=f"Sam {number}"))

    for number in range(60):
        writing = asyncio.create_task(write(number))
        await asyncio.sleep(number * 0.0001)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        async with asyncio.timeout(5):
            await write(number)
