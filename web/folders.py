"""The folders that an installation keeps its data in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.errors import StartupError
from core.settings import Settings


def check(settings: Settings) -> None:
    """Makes the folders and the key that are kept on this machine. Raises `StartupError` where that cannot be."""
    if settings.embedded:
        writable(Path(settings.url.database or "").parent, "DESKHAND_DATABASE_URL or DESKHAND_DATA_DIR")
    if not settings.secret_key and settings.environment != "production":
        writable(settings.data_dir)
    settings.key()


def writable(folder: Path, setting: str = "DESKHAND_DATA_DIR") -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StartupError(f"{folder} cannot be written ({error.strerror}). Set {setting} to another folder.") from None
