"""Articles from wherever an operator points at: a folder, a file, or the address of a file."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx

from core.errors import BadInput
from core.knowledge.articles import Article
from core.knowledge.sources import LARGEST_FILE, PAGES, TABLES, read_file, read_folder

TIMEOUT_S = 30


async def read(source: str) -> list[Article]:
    """Raises `BadInput`, which names the file, the line and the remedy."""
    if urlsplit(source).scheme in ("http", "https"):
        return await _download(source)
    return _local(Path(source))


def place_of(source: str) -> str:
    """The same for `help`, `help/` and the whole path: what was read from there before is brought up to date."""
    return source if urlsplit(source).scheme in ("http", "https") else str(Path(source).resolve())


def _local(path: Path) -> list[Article]:
    if not path.exists():
        raise BadInput(f"There is no {path}. Name a folder of help pages, or a .md, .jsonl or .csv file.")
    return read_folder(path) if path.is_dir() else read_file(path)


async def _download(address: str) -> list[Article]:
    name = PurePosixPath(urlsplit(address).path).name
    if PurePosixPath(name).suffix.lower() not in PAGES + TABLES:
        raise BadInput(f"{address} does not end in .md, .jsonl or .csv. Save the page as Markdown and ingest that.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(await _body(address))
        return read_file(path)


async def _body(address: str) -> bytes:
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True) as client,
            client.stream("GET", address) as answer,
        ):
            if answer.is_error:
                raise BadInput(f"{address} answered {answer.status_code}. Check the address.")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_FILE:
                    raise BadInput(f"{address} is larger than {LARGEST_FILE:,} bytes. Split it.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(f"{address} cannot be fetched ({error}). Check the address and the network.") from None
    return bytes(body)
