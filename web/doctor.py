"""`deskhand doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass

import httpx
from rich.console import Console
from rich.table import Table

from core import migrate
from core.channels import connected
from core.db import Database
from core.errors import AppError, StartupError
from core.helpdesk import Helpdesk
from core.nlp.encoder import Encoder
from core.settings import Settings
from web import folders
from web.channels import KINDS
from web.connecting import connect

LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    ok: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


async def examine(settings: Settings) -> list[Finding]:
    checks: list[tuple[str, Callable[[Settings], Awaitable[str]]]] = [
        ("data folder", _data_folder),
        ("secret key", _secret_key),
        ("database", _database),
        ("encoder", _encoder),
        ("language model", _language_model),
        ("channels", _channels),
    ]
    return [finding async for finding in _findings(settings, checks)]


async def _findings(
    settings: Settings, checks: list[tuple[str, Callable[[Settings], Awaitable[str]]]]
) -> AsyncIterator[Finding]:
    for name, check in checks:
        try:
            yield Finding(name, ok=True, detail=await check(settings))
        except AppError as error:
            yield Finding(name, ok=False, detail=error.detail)
        except OSError as error:
            yield Finding(name, ok=False, detail=str(error))


async def _data_folder(settings: Settings) -> str:
    folder = settings.data_dir
    folders.writable(folder)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise StartupError(f"Only {free // 2**20} MB are free in {folder}. Make room, or set DESKHAND_DATA_DIR.")
    return f"{folder.resolve()}, {free // 2**30} GB free"


async def _secret_key(settings: Settings) -> str:
    settings.key()
    return "set" if settings.secret_key else f"kept in {settings.data_dir / 'secret.key'}"


async def _database(settings: Settings) -> str:
    db = Database(settings.url)
    try:
        await db.ping()
        await migrate.check(db)
    finally:
        await db.close()
    kind = f"SQLite {sqlite3.sqlite_version}" if settings.embedded else "PostgreSQL"
    return f"{kind}, {settings.url.render_as_string(hide_password=True)}"


async def _encoder(settings: Settings) -> str:
    encoder = Encoder(1)
    try:
        delivery, shipping, weather = await encoder.embed_many(
            ["How long does delivery take?", "When will my parcel arrive?", "It rains."]
        )
    finally:
        encoder.close()
    if delivery @ shipping <= delivery @ weather:
        raise StartupError("The shipped encoder gives nonsense: its files are damaged. Install Deskhand again.")
    return encoder.name


async def _language_model(settings: Settings) -> str:
    if not settings.llm_model:
        return "none configured: answers are taken word for word from the documents"
    base = (settings.openai_base_url or "https://api.openai.com/v1").rstrip("/")
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{base}/models", headers={"Authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        raise StartupError(f"{base} does not answer ({error}). Check OPENAI_BASE_URL.") from None
    if answer.status_code in (401, 403):
        raise StartupError(f"{base} refuses the key. Check OPENAI_API_KEY.")
    return f"{settings.llm_model} at {base}"


async def _channels(settings: Settings) -> str:
    """Tries every channel that is switched on, of every organization: tokens, permissions, where it posts."""
    helpdesk = Helpdesk.build(settings, connect)
    async with helpdesk.running(work=False):
        await migrate.check(helpdesk.db)
        for channel in await connected(helpdesk.db, list(KINDS)):
            try:
                helpdesk.box.open(channel.sealed_secrets)
            except StartupError as error:
                raise StartupError(f"{channel.name}: {error.detail}") from None
        checks = {name: kind.check for name, kind in KINDS.items() if kind.check}
        found = await connected(helpdesk.db, list(checks))
        wrong = [
            f"{channel.name}, {finding.what}: {finding.detail}"
            for channel in found
            for finding in await checks[channel.kind](helpdesk, channel)
            if not finding.ok
        ]
    if wrong:
        raise StartupError(" ".join(wrong))
    return f"{len(found)} tried, all of them work" if found else "none that has to be tried"


def show(findings: list[Finding], out: Console) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row("[green]ok[/]" if finding.ok else "[red]no[/]", finding.check, finding.detail)
    out.print(table)
