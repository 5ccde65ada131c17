"""Our own way in by SMTP or LMTP: your mail server hands over what is for one of our addresses.

250 is said once the mail is stored, so that a mail server which hears anything else keeps it and tries again. By LMTP
it is said of each recipient (RFC 2033, 4.2): what one mailbox has is not brought again because of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from connectors.email.receive import MOST_BYTES, Mailroom
from core.db import UNAVAILABLE, Database
from core.models import Channel

MOST_RECIPIENTS = 100
TIMEOUT_S = 120
STORED = "250 2.0.0 Stored"
LATER = "451 4.3.0 Try again later"
log = structlog.get_logger()


class Door:
    """An aiosmtpd handler."""

    def __init__(self, db: Database, mailroom: Mailroom) -> None:
        self._db = db
        self._mailroom = mailroom

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        try:
            known = await channel_of(self._db, address)
        except UNAVAILABLE:
            return LATER
        if known is None:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content
        assert isinstance(raw, bytes)
        if not envelope.mail_from:
            raw = b"Return-Path: <>\r\n" + raw
        if isinstance(server, LMTP):
            return "\r\n".join([await self._store(address, raw) for address in envelope.rcpt_tos])
        for address in envelope.rcpt_tos:
            if (said := await self._store(address, raw)) != STORED:
                return said
        return STORED

    async def _store(self, address: str, raw: bytes) -> str:
        try:
            if channel := await channel_of(self._db, address):
                await self._mailroom.receive(channel, raw, (address,))
        except Exception:
            log.exception("mail.not_stored")
            return LATER
        return STORED


async def channel_of(db: Database, address: str) -> Channel | None:
    """The mailbox that an address, with or without something after a plus, belongs to."""
    local, _, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    async with db.system() as scope:
        found = await scope.session.scalars(
            select(Channel).where(Channel.kind == "email", Channel.disabled_at.is_(None)).order_by(Channel.id)
        )
        return next((one for one in found if _takes(one, plain)), None)


def _takes(channel: Channel, address: str) -> bool:
    settings: dict[str, Any] = channel.settings
    return settings.get("receive") == "listener" and str(settings.get("address", "")).lower() == address


@asynccontextmanager
async def open_door(
    db: Database, mailroom: Mailroom, host: str, port: int, protocol: Literal["smtp", "lmtp"] = "smtp"
) -> AsyncIterator[int]:
    """Takes mail until the block ends. Yields the port."""
    door = Door(db, mailroom)
    speak = LMTP if protocol == "lmtp" else SMTP
    loop = asyncio.get_running_loop()

    def greet() -> SMTP:
        return speak(door, hostname="deskhand", data_size_limit=MOST_BYTES, timeout=TIMEOUT_S, loop=loop)

    server = await loop.create_server(greet, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
