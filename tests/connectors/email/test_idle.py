"""Waiting for mail at a server whose every byte is written down here; the real one is in the journeys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.email.imap import Mailbox
from connectors.email.settings import MailSettings

PATIENCE_S = 10.0


@asynccontextmanager
async def imap_server(idling: bytes) -> AsyncIterator[MailSettings]:
    """An IMAP server that lets anybody in, and answers IDLE with the bytes given, in one piece."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        tag_of_idle = b""
        while line := await reader.readline():
            tag, _, command = line.strip().partition(b" ")
            if command.upper() == b"IDLE":
                tag_of_idle = tag
                writer.write(idling)
            elif tag.upper() == b"DONE":
                writer.write(tag_of_idle + b" OK idled\r\n")
            else:
                writer.write(_said(command.upper()) + tag + b" OK done\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        where = {"imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none", "smtp_host": "127.0.0.1"}
        yield MailSettings(address="support@acme.example", **where)
    finally:
        server.close()


def _said(command: bytes) -> bytes:
    if command.startswith(b"SELECT"):
        return b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"
    return b"* CAPABILITY IMAP4rev1 IDLE\r\n" if command == b"CAPABILITY" else b""


@pytest.mark.parametrize(
    "idling",
    [
        pytest.param(b"+ idling\r\n* 2 EXISTS\r\n", id="in one piece"),
        pytest.param(b"* 2 EXISTS\r\n+ idling\r\n", id="before it idles"),
    ],
)
async def test_a_mail_that_comes_just_as_the_server_begins_to_idle_is_noticed_at_once(idling: bytes) -> None:
    async with imap_server(idling) as settings:
        mailbox = Mailbox(settings, {"password": "secret"})
        assert await mailbox.open() == 7
        try:
            async with asyncio.timeout(PATIENCE_S):
                await mailbox.wait()
                await mailbox.wait()
        finally:
            await mailbox.close()


async def test_while_nothing_comes_it_waits() -> None:
    async with imap_server(b"+ idling\r\n") as settings:
        mailbox = Mailbox(settings, {"password": "secret"})
        await mailbox.open()
        waiting = asyncio.ensure_future(mailbox.wait())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await mailbox.close()
        await asyncio.gather(waiting, return_exceptions=True)
