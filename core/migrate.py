"""Bringing the database's schema up to date, and refusing to serve one that is not."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.db import Database
from core.errors import StartupError

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"


async def migrate(db: Database) -> None:
    """Runs what is missing, in one transaction."""

    def upgrade(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(SCRIPTS))
        command.upgrade(config, "head")

    await db.run_sync(upgrade)


async def check(db: Database) -> None:
    """Raises `StartupError` unless the schema is the one that this version was written for."""

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    current = await db.run_sync(revision)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    head = ScriptDirectory.from_config(config).get_current_head()
    if current != head:
        state = "empty" if current is None else f"at revision {current}"
        raise StartupError(f"The database is {state}, and this version needs {head}. Run `deskhand migrate`.")
