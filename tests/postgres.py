"""A PostgreSQL server for the tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin")]
ROLE = "deskhand"


@contextmanager
def running() -> Iterator[str]:
    """Yields the server's URL. Skips where PostgreSQL is not installed, except under CI."""
    place = next((folder for folder in PLACES if (folder / "initdb").exists()), None)
    if place is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="deskhand-pg-"))
    as_user = {"user": "postgres"} if os.geteuid() == 0 else {}  # the server refuses to run as root
    if as_user:
        shutil.chown(folder, "postgres")
    port = _free_port()
    data = folder / "data"
    try:
        _call([place / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], folder, as_user)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _call([place / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], folder, as_user)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _call([place / "pg_ctl", "-D", data, "-m", "immediate", "stop"], folder, as_user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def database(server: str, template: str = "template1") -> AsyncIterator[str]:
    """A database of its own, a copy of `template`; its URL."""
    name = f"test_{uuid4().hex}"
    yield await create(server, name, template)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


async def create(server: str, name: str, template: str = "template1") -> str:
    """Makes a database owned by a role that row-level security binds (it does not bind superusers)."""
    await _execute(
        server,
        f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        # A copy of files needs two checkpoints; small ones are quicker through the log.
        f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template} STRATEGY WAL_LOG",
    )
    return f"{server.replace('postgres@', f'{ROLE}@')}/{name}"


async def _execute(server: str, *statements: str) -> None:
    admin = await asyncpg.connect(f"{server}/postgres")
    try:
        for statement in statements:
            await admin.execute(statement)
    finally:
        await admin.close()


def _call(command: list[str | Path], folder: Path, as_user: dict[str, str]) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False, **as_user
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr or done.stdout


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
