"""Laws 1 and 2 for mail: killed at any point of a fetch, no mail is lost and none is answered twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.helpdesk import Helpdesk
from core.models import Channel, new_id
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from tests import cast, servers
from tests.conftest import running
from tests.mailservers import SECRETS, MailServers
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SUPPORT, DANA = "support@acme.example", "dana@customers.example"
MAILS = 40
KILLED_AT = (38, 30, 17, 4)
"""So many mails are unseen still."""


def letter(number: int) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"dana+{number}@customers.example"
    mail["To"] = SUPPORT
    mail["Subject"] = f"Question {number}"
    mail["Message-ID"] = f"<question-{number}@customers.example>"
    mail.set_content("How long does delivery take?")
    return mail.as_bytes()


async def connect_mailbox(helpdesk: Helpdesk, shop: cast.Shop, mail_servers: MailServers) -> None:
    channel = Channel(id=new_id(), kind="email", name="Mail", public_key="mail")
    channel.settings = mail_servers.settings(SUPPORT)
    channel.sealed_secrets = helpdesk.box.seal(SECRETS)
    async with helpdesk.db.write(shop.id) as scope:
        helpdesk.channels.create(scope, channel)


def stored(data_dir: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(data_dir / "deskhand.db")) as database:
        return database.execute("SELECT external_id, state FROM messages WHERE author = 'customer'").fetchall()


async def test_a_mailbox_is_read_to_its_end_however_often_we_are_killed(
    tmp_path: Path, migrated_settings: Settings, encoder: Encoder, sentiment: SentimentModel, mail_servers: MailServers
) -> None:
    async with running(migrated_settings, work=False, encoder=encoder, sentiment=sentiment) as helpdesk:
        await connect_mailbox(helpdesk, await cast.acme(helpdesk), mail_servers)
    secret = {"DESKHAND_SECRET_KEY": helpdesk.settings.key()}
    mail_servers.put(SUPPORT, *(letter(number) for number in range(MAILS)))
    for left in KILLED_AT:
        with servers.started(tmp_path, "serve", **secret) as process:
            await until(lambda left=left: _unseen_at_most(mail_servers, left), 60)
            process.kill()
        known = {external_id for external_id, _ in stored(tmp_path)}
        assert len(known) >= MAILS - mail_servers.unseen(SUPPORT), "what is marked as seen is stored"
    with servers.started(tmp_path, "serve", **secret) as process:
        answers = await until(lambda: _answers(mail_servers), 60)
        process.stop()
    assert Counter(external_id for external_id, _ in stored(tmp_path)) == {
        f"<question-{number}@customers.example>": 1 for number in range(MAILS)
    }
    # A process that dies between the server's 250 and its own commit sends again, recognizably: under the same id.
    once = {str(answer["Message-ID"]): str(answer["To"]) for answer in answers}
    assert len(once) == MAILS
    assert len(set(once.values())) == MAILS
    assert mail_servers.unseen(SUPPORT) == 0


async def _unseen_at_most(mail_servers: MailServers, most: int) -> bool:
    return await asyncio.to_thread(mail_servers.unseen, SUPPORT) <= most


async def _answers(mail_servers: MailServers) -> list[EmailMessage] | None:
    found = await asyncio.to_thread(mail_servers.inbox, DANA)
    return found if len({str(one["To"]) for one in found}) == MAILS else None
