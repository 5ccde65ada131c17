"""From a mail's bytes to a stored message: how many a second, and at what cost."""

from __future__ import annotations

import asyncio
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

from connectors.email.receive import Mailroom
from core.helpdesk import Helpdesk
from core.migrate import migrate
from core.models import Channel, Organization, new_id
from core.settings import Settings
from tests.bench.rows import Row

MAILS = 1_000
AT_ONCE = 8


def letter(number: int) -> bytes:
    """As a customer's client writes it: both bodies, a signature, and the thread quoted below."""
    mail = EmailMessage()
    mail["From"] = f"Dana {number} <dana{number}@customers.example>"
    mail["To"] = "support@acme.example"
    mail["Subject"] = f"Re: Order {number}"
    mail["Message-ID"] = f"<{number}@customers.example>"
    mail["References"] = f"<a{number}@acme.example> <b{number}@acme.example>"
    quoted = "\n".join(f"> Line {line} of what was written before, and so on." for line in range(20))
    text = f"Hello,\n\nwhere is my order {number}? It should have been here by now.\n\nBest\nDana\n\n-- \nDana Doe\n"
    mail.set_content(f"{text}\nOn Mon, 2 Nov 2026 at 10:00, Acme wrote:\n{quoted}\n")
    page = "".join(f"<p>{line}</p>" for line in text.splitlines())
    mail.add_alternative(f"<html><body>{page}<blockquote>{quoted}</blockquote></body></html>", subtype="html")
    return mail.as_bytes()


def mail_to_message() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        seconds, cpu = asyncio.run(_receive(Path(folder)))
    return [
        Row("e-mail to stored message, a second", MAILS / seconds, "", 200, at_least=True),
        Row("… CPU of each", cpu / MAILS * 1000, "ms", 3),
    ]


async def _receive(folder: Path) -> tuple[float, float]:
    """(seconds, seconds of CPU)"""
    helpdesk = Helpdesk.build(Settings(_env_file=None, data_dir=folder, encoder_sessions=1))  # type: ignore[call-arg]
    await migrate(helpdesk.db)
    async with helpdesk.running(work=False):
        channel = await _mailbox(helpdesk)
        room = Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox)
        for number in range(20):
            await room.receive(channel, letter(-number))
        mails = iter([letter(number) for number in range(1, MAILS + 1)])

        async def some() -> None:
            for raw in mails:
                await room.receive(channel, raw)

        started, worked = time.perf_counter(), time.process_time()
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return time.perf_counter() - started, time.process_time() - worked


async def _mailbox(helpdesk: Helpdesk) -> Channel:
    organization = Organization(id=new_id(), slug="acme", name="Acme", settings={})
    settings = {"address": "support@acme.example", "receive": "webhook", "smtp_host": "h"}
    channel = Channel(id=new_id(), kind="email", name="Mail", public_key="mail", settings=settings)
    async with helpdesk.db.write(organization.id) as scope:
        scope.session.add(organization)
        await scope.session.flush()  # the channel refers to it
        helpdesk.channels.create(scope, channel)
    return channel
