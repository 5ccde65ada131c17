"""A mailbox at a real dovecot, and what mail servers do to who listens to them."""

from __future__ import annotations

import asyncio
import imaplib
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.email.imap import Mailbox
from connectors.email.settings import MailSettings
from core.helpdesk import Helpdesk
from core.models import Channel, Message, new_id
from core.outbox import DeliveryError
from tests import cast
from tests.mailservers import PASSWORD, SECRETS, MailServers
from tests.rows import row, rows
from tests.waiting import until
from web.listeners import listening

SUPPORT = "support@acme.example"
PATIENCE_S = 40.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def raw(number: int) -> bytes:
    return (
        f"From: Dana <dana@customers.example>\r\nTo: {SUPPORT}\r\nSubject: Question {number}\r\n"
        f"Message-ID: <{number}@customers.example>\r\n\r\nCan I pay with PayPal? ({number})\r\n"
    ).encode()


def in_folder(servers: MailServers, folder: str, *raws: bytes) -> None:
    with servers.login(SUPPORT) as client:
        for one in raws:
            assert client.append(folder, None, None, one)[0] == "OK"  # type: ignore[arg-type]


async def connected(helpdesk: Helpdesk, shop: cast.Shop, settings: dict[str, object]) -> Channel:
    channel = Channel(id=new_id(), kind="email", name="Support", public_key="mail", settings=settings)
    channel.sealed_secrets = helpdesk.box.seal(SECRETS)
    async with helpdesk.db.write(shop.id) as scope:
        helpdesk.channels.create(scope, channel)
    return channel


async def received(helpdesk: Helpdesk, shop: cast.Shop, *numbers: int) -> None:
    """Exactly these mails are stored, once each."""

    async def all_there() -> bool:
        stored = await rows(helpdesk.db, shop.id, Message, author="customer")
        return sorted(one.external_id for one in stored) == [f"<{n}@customers.example>" for n in numbers]

    await until(all_there, PATIENCE_S)


class Relay:
    """Passes bytes between us and the mail server, until it is cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self.calls = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, their_writer}
        await asyncio.gather(_pipe(reader, their_writer), _pipe(their_reader, writer))
        self._open -= {writer, their_writer}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def test_a_server_is_believed_only_with_a_certificate_for_its_name(
    mail_servers: MailServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_thread(mail_servers.put, SUPPORT, raw(1))
    tls = {"imap_port": mail_servers.imaps, "imap_security": "tls"}
    settings = MailSettings.model_validate(mail_servers.settings(SUPPORT, imap_host="localhost", **tls))
    stranger = Mailbox(settings, {"password": PASSWORD})
    with pytest.raises(DeliveryError, match="certificate that is not valid"):
        await stranger.open()
    await stranger.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_servers.certificate))
    mailbox = Mailbox(settings, {"password": PASSWORD})
    await mailbox.open()
    [uid] = await mailbox.new(None)
    assert b"PayPal" in (await mailbox.fetch(uid) or b"")
    waiting = asyncio.ensure_future(mailbox.wait())
    await to_thread(mail_servers.put, SUPPORT, raw(2))
    async with asyncio.timeout(PATIENCE_S):
        await waiting
    assert len(await mailbox.new(None)) == 2
    await mailbox.close()
    elsewhere = Mailbox(settings.model_copy(update={"imap_host": "127.0.0.1"}), {"password": PASSWORD})
    with pytest.raises(DeliveryError, match="certificate that is not valid"):
        await elsewhere.open()
    await elsewhere.close()


async def test_a_server_that_hangs_up_is_called_again_and_nothing_is_lost(
    helpdesk: Helpdesk, acme: cast.Shop, mail_servers: MailServers
) -> None:
    relay = Relay(mail_servers.imap)
    async with relay.running() as port, listening(helpdesk):
        channel = await connected(helpdesk, acme, mail_servers.settings(SUPPORT, imap_port=port))
        await to_thread(mail_servers.put, SUPPORT, raw(1))
        await received(helpdesk, acme, 1)
        relay.cut()
        await to_thread(mail_servers.put, SUPPORT, raw(2))
        await received(helpdesk, acme, 1, 2)
        assert relay.calls >= 2

        async def well() -> bool:
            return (await row(helpdesk.db, acme.id, Channel, id=channel.id)).problem is None

        await until(well)
        await until(lambda: _unseen(mail_servers, 0))


async def test_a_mailbox_full_of_old_mail_is_not_answered_all_at_once(
    helpdesk: Helpdesk, acme: cast.Shop, mail_servers: MailServers
) -> None:
    def fill() -> None:
        with mail_servers.login(SUPPORT) as client:
            for number, days in enumerate((400, 30, 3, 0), 1):
                came = imaplib.Time2Internaldate(time.time() - days * 86400)
                client.append("INBOX", None, came, raw(number))  # type: ignore[arg-type]

    await to_thread(fill)
    async with listening(helpdesk):
        await connected(helpdesk, acme, mail_servers.settings(SUPPORT))
        await received(helpdesk, acme, 4)
        await to_thread(mail_servers.put, SUPPORT, raw(5))
        await received(helpdesk, acme, 4, 5)
        await until(lambda: _unseen(mail_servers, 3))


async def _unseen(servers: MailServers, number: int) -> bool:
    return await to_thread(servers.unseen, SUPPORT) == number


async def test_who_wants_older_mail_answered_says_so(
    helpdesk: Helpdesk, acme: cast.Shop, mail_servers: MailServers
) -> None:
    def fill() -> None:
        with mail_servers.login(SUPPORT) as client:
            came = imaplib.Time2Internaldate(time.time() - 30 * 86400)
            client.append("INBOX", None, came, raw(1))  # type: ignore[arg-type]

    await to_thread(fill)
    async with listening(helpdesk):
        await connected(helpdesk, acme, mail_servers.settings(SUPPORT, backlog_days=60))
        await received(helpdesk, acme, 1)


async def test_a_folder_that_was_made_anew_is_read_from_its_beginning(
    helpdesk: Helpdesk, acme: cast.Shop, mail_servers: MailServers
) -> None:
    folder = "Shop"

    def anew() -> None:
        with mail_servers.login(SUPPORT) as client:
            client.delete(folder)
            assert client.create(folder)[0] == "OK"

    await to_thread(anew)
    await to_thread(in_folder, mail_servers, folder, raw(1), raw(2), raw(3))
    relay = Relay(mail_servers.imap)
    async with relay.running() as port, listening(helpdesk):
        await connected(helpdesk, acme, mail_servers.settings(SUPPORT, folder=folder, imap_port=port))
        await received(helpdesk, acme, 1, 2, 3)
        await to_thread(anew)
        await to_thread(in_folder, mail_servers, folder, raw(4))  # its number is 1 again
        relay.cut()
        await received(helpdesk, acme, 1, 2, 3, 4)
