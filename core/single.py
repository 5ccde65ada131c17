"""One process at a time on an embedded database."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StartupError


@contextmanager
def only_process(database: Path) -> Iterator[None]:
    """Holds the database for this process. Raises `StartupError` if another one has it.

    The kernel releases the lock when the process ends, however it ends.
    """
    path = database.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StartupError(
                f"Another Deskhand process ({file.read().strip() or 'unknown'}) works on {database}. SQLite serves "
                "one process: stop that one, or set DESKHAND_DATABASE_URL to PostgreSQL to run several."
            ) from None
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        yield
