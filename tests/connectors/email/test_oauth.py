"""A provider that takes access tokens alone: its token address, its IMAP server and its SMTP server, which believe
nothing but the newest token."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from connectors.email.oauth import AccessTokens
from core.helpdesk import Helpdesk
from core.models import Alert, Channel, Conversation, Delivery, Message, new_id
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import NewMessage, Place
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.hands import Hands
from tests.rows import change, row
from tests.waiting import until
from web.channels import KINDS
from web.listeners import listening

SUPPORT = "support@acme.example"
PATIENCE_S = 30.0
SECRETS = {"oauth_refresh_token": "refresh-1", "oauth_client_secret": "hush"}


@dataclass
class Provider:
    """Each refresh token is good once, as strict as Microsoft may become; access tokens end at once if told so."""

    good: str = "refresh-1"
    given: int = 0
    lasts: int = 3600
    signed_in: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    revoked: bool = False
    ports: dict[str, int] = field(default_factory=dict)

    def renew(self, form: dict[str, str]) -> tuple[int, str]:
        expected = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "hush"}
        if self.revoked or form != {**expected, "refresh_token": self.good}:
            return 400, '{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}'
        self.given += 1
        self.good = f"refresh-{self.given + 1}"
        return 200, (
            f'{{"access_token": "access-{self.given}", "expires_in": {self.lasts}, "refresh_token": "{self.good}"}}'
        )

    def believes(self, said: bytes) -> bool:
        """SASL XOAUTH2. https://developers.google.com/gmail/imap/xoauth2-protocol"""
        good = said == f"user={SUPPORT}\x01auth=Bearer access-{self.given}\x01\x01".encode()
        if good:
            self.signed_in.append(f"access-{self.given}")
        return good

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        servers = {
            "token": await asyncio.start_server(self._token, "127.0.0.1", 0),
            "imap": await asyncio.start_server(self._imap, "127.0.0.1", 0),
            "smtp": await loop.create_server(self._smtp, "127.0.0.1", 0),
        }
        self.ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
        try:
            yield
        finally:
            for server in servers.values():
                server.close()

    async def _token(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        form = {name: one for name, [one] in parse_qs((await reader.readexactly(length)).decode()).items()}
        status, body = self.renew(form)
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async def _imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE AUTH=XOAUTH2] ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.strip().partition(b" ")
            verb = command.split(b" ")[0].upper()
            if verb == b"AUTHENTICATE":
                writer.write(b"+ \r\n")
                said = base64.b64decode(await reader.readline())
                writer.write(tag + (b" OK in\r\n" if self.believes(said) else b" NO [AUTHENTICATIONFAILED] no\r\n"))
            elif verb == b"IDLE":
                writer.write(b"+ idling\r\n")
                await reader.readline()
                writer.write(tag + b" OK idled\r\n")
            else:
                more = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n" if verb in (b"SELECT", b"EXAMINE") else b""
                more += b"* CAPABILITY IMAP4rev1 IDLE\r\n" if verb == b"CAPABILITY" else b""
                writer.write(more + tag + b" OK done\r\n")
            await writer.drain()
        writer.close()

    def _smtp(self) -> SMTP:
        return SMTP(self, hostname="provider", auth_require_tls=False, loop=asyncio.get_running_loop())

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> Any:  # noqa: N802 - aiosmtpd's names
        return AuthResult(success=self.believes(base64.b64decode(words[1])), handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return "250 OK"


@pytest.fixture
def provider() -> Provider:
    return Provider()


@asynccontextmanager
async def helpdesk_at(
    provider: Provider, settings: Settings, encoder: Encoder, sentiment: SentimentModel
) -> AsyncIterator[tuple[Helpdesk, cast.Shop, Channel]]:
    address = f"http://127.0.0.1:{provider.ports['token']}/token"
    settings = settings.model_copy(update={"google_token_url": address})
    async with running(settings, work=False, encoder=encoder, sentiment=sentiment) as helpdesk:
        shop = await cast.acme(helpdesk)
        where = {"imap_host": "127.0.0.1", "imap_port": provider.ports["imap"], "imap_security": "none",
                 "smtp_host": "127.0.0.1", "smtp_port": provider.ports["smtp"], "smtp_security": "none"}  # fmt: skip
        kept = {"address": SUPPORT, "oauth": "google", "oauth_client_id": "app", **where}
        channel = Channel(id=new_id(), kind="email", name="Support", public_key="mail", settings=kept)
        channel.sealed_secrets = helpdesk.box.seal(SECRETS)
        async with helpdesk.db.write(shop.id) as scope:
            helpdesk.channels.create(scope, channel)
        yield helpdesk, shop, channel


async def reply(helpdesk: Helpdesk, shop: cast.Shop, channel: Channel) -> Delivery:
    """An agent's mail to dana, sent."""
    inbound = cast.from_dana(shop, "Hello?", channel_id=channel.id, author=cast.Person("dana@c.example"))
    receipt = await helpdesk.inbox.receive(inbound)
    await change(helpdesk.db, shop.id, Message, receipt.message_id, state="done")
    place = Place((await row(helpdesk.db, shop.id, Conversation, id=receipt.conversation_id)).id, channel.id, "email")
    async with helpdesk.db.write(shop.id) as scope:
        sent = await helpdesk.outbox.post(scope, place, NewMessage("agent", "Sam", "Hello Dana."))
    await Hands(helpdesk).work(Delivery)
    delivery: Delivery = await row(helpdesk.db, shop.id, Delivery, message_id=sent)
    return delivery


async def test_mail_is_fetched_and_sent_with_tokens_alone(
    provider: Provider, migrated_settings: Settings, encoder: Encoder, sentiment: SentimentModel
) -> None:
    async with (
        provider.running(),
        helpdesk_at(provider, migrated_settings, encoder, sentiment) as (helpdesk, shop, channel),
        listening(helpdesk),
    ):

        async def signed_in() -> bool:
            return provider.signed_in == ["access-1"]

        await until(signed_in, PATIENCE_S)
        assert (await reply(helpdesk, shop, channel)).state == "sent"
        assert provider.signed_in == ["access-1", "access-2"]
        assert b"Hello Dana." in provider.mails[0]
        stored = await row(helpdesk.db, shop.id, Channel, id=channel.id)
        assert helpdesk.box.open(stored.sealed_secrets) == SECRETS, "what the admin entered stays"
        assert "refresh" not in str({key: value for key, value in stored.state["oauth"].items() if key != "of"})


async def test_a_token_serves_until_it_ends(
    provider: Provider, migrated_settings: Settings, encoder: Encoder, sentiment: SentimentModel
) -> None:
    async with (
        provider.running(),
        helpdesk_at(provider, migrated_settings, encoder, sentiment) as (helpdesk, _, channel),
    ):
        lasting = AccessTokens(helpdesk.settings, helpdesk.db, helpdesk.box)
        assert [(await lasting.secrets_of(channel))["oauth_token"] for _ in range(3)] == ["access-1"] * 3
        provider.lasts = 0
        brief = AccessTokens(helpdesk.settings, helpdesk.db, helpdesk.box)
        assert [(await brief.secrets_of(channel))["oauth_token"] for _ in range(2)] == ["access-2", "access-3"]
        provider.good = "refresh-anew"
        channel.sealed_secrets = helpdesk.box.seal({**SECRETS, "oauth_refresh_token": "refresh-anew"})
        assert (await lasting.secrets_of(channel))["oauth_token"] == "access-4"


async def test_when_the_grant_has_ended_the_channel_waits_and_says_why(
    provider: Provider, migrated_settings: Settings, encoder: Encoder, sentiment: SentimentModel
) -> None:
    provider.revoked = True
    async with (
        provider.running(),
        helpdesk_at(provider, migrated_settings, encoder, sentiment) as (helpdesk, shop, channel),
    ):
        check = KINDS["email"].check
        assert check is not None
        [finding] = await check(helpdesk, channel)
        assert not finding.ok
        assert "expired or revoked" in finding.detail
        delivery = await reply(helpdesk, shop, channel)
        assert delivery.state == "queued", "it goes out once the channel is mended"
        assert "refresh token" in (await row(helpdesk.db, shop.id, Alert)).text
        assert (await row(helpdesk.db, shop.id, Channel, id=channel.id)).disabled_at
