from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from core.db import Database
from core.errors import StartupError
from core.migrate import check, migrate
from core.models import Model
from tests import postgres


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without a table."""
    async with AsyncExitStack() as stack:
        url = f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = await stack.enter_async_context(postgres.database(server))
        db = Database(make_url(url.replace("postgresql:", "postgresql+asyncpg:")))
        stack.push_async_callback(db.close)
        yield db


async def test_the_migrations_make_what_the_models_say(empty: Database) -> None:
    await migrate(empty)
    await check(empty)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Model.metadata))

    assert await empty.run_sync(differences) == []


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    await migrate(empty)
    await check(empty)


async def test_an_empty_database_is_refused_with_the_remedy(empty: Database) -> None:
    with pytest.raises(StartupError, match=r"empty.*deskhand migrate"):
        await check(empty)


async def test_a_database_of_another_version_is_refused_by_its_name(empty: Database) -> None:
    await migrate(empty)
    statement = text("UPDATE alembic_version SET version_num = '9999'")
    await empty.run_sync(lambda connection: connection.execute(statement))
    with pytest.raises(StartupError, match="9999"):
        await check(empty)


async def test_a_migration_that_breaks_half_way_leaves_the_database_as_it_was(empty: Database) -> None:
    """`members` is in its way: the migration fails after it made other tables."""
    await empty.run_sync(lambda connection: connection.execute(text("CREATE TABLE members (id INTEGER)")))
    with pytest.raises((Exception,), match="members"):
        await migrate(empty)
    await empty.run_sync(lambda connection: connection.execute(text("DROP TABLE members")))
    await migrate(empty)
    await check(empty)


async def test_partial_indexes_cover_the_same_rows_on_both_databases(empty: Database) -> None:
    """Alembic does not compare their conditions."""
    await migrate(empty)
    query = "SELECT sql FROM sqlite_master" if empty.embedded else "SELECT indexdef FROM pg_indexes"
    found = await empty.run_sync(lambda connection: connection.execute(text(query)).scalars().all())
    conditions = {match[1]: match[2] for sql in found if sql and (match := re.search(r"INDEX (\w+) .*WHERE (.+)", sql))}
    assert set(conditions) >= {"ix_messages_pending", "ix_deliveries_pending", "uq_tickets_open", "ix_drafts_pending"}
    for name, needed in [("messages", "queued"), ("messages", "working"), ("deliveries", "queued")]:
        assert f"'{needed}'" in conditions[f"ix_{name}_pending"]
    assert "<> 'resolved'" in conditions["uq_tickets_open"]
    assert "'pending'" in conditions["ix_drafts_pending"]
