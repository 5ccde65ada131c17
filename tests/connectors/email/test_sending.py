"""What goes out: the mail itself, and what each refusal of the servers and providers means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.compose import compose
from connectors.email.providers import Postmark, SendGrid
from connectors.email.settings import MailSettings
from connectors.email.smtp import Server, SmtpClient
from connectors.email.tokens import MailTokens
from core.messages import Attachment, Citation, Earlier, OutboundMessage, Person
from core.outbox import DeliveryError
from tests.servers import free_port
from tests.standins.mail_providers import TOKEN, Providers

ONE = UUID(int=1)
TOKENS = MailTokens("a key")
MAILBOX = MailSettings(
    address="support@acme.example", imap_host="h", smtp_host="h", plus_addresses=True, sender_name="Acme"
)
MESSAGE = OutboundMessage(
    delivery_id=uuid4(),
    action="send",
    sent_as=None,
    kind="message",
    id=uuid4(),
    organization_id=uuid4(),
    channel_id=uuid4(),
    conversation_id=uuid4(),
    recipient=Person("dana@c.example", "Dana"),
    thread={"message_id": "<1@c.example>", "references": ["<0@c.example>"], "subject": "Paying"},
    subject="Paying",
    in_reply_to="<1@c.example>",
    ticket_number=None,
    author="ai",
    name="Robin",
    text="We accept **PayPal**. See [the help](https://acme.example/help).",
    citations=(Citation("payment", "Ways to pay", "/help/payment", "We accept PayPal."),),
    confidence=0.9,
    created_at=datetime(2026, 11, 26, tzinfo=UTC),
    earlier=(Earlier("customer", "", "Can I pay with PayPal?", datetime(2026, 11, 26, tzinfo=UTC)),),
)


def composed(message: OutboundMessage = MESSAGE, mailbox: MailSettings = MAILBOX) -> EmailMessage:
    """As the other side reads it."""
    raw = compose(message, mailbox, TOKENS, "https://desk.example").as_bytes()
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_mail_says_the_same_in_text_and_in_html() -> None:
    mail = composed()
    text, html = body(mail, "plain"), body(mail, "html")
    assert "We accept PayPal. See the help (https://acme.example/help)." in text
    assert "<strong>PayPal</strong>" in html
    for both in (text, html):
        assert "https://desk.example/help/payment" in both
        assert "Can I pay with PayPal?" in both
    assert "> Can I pay with PayPal?" in text


def test_a_mail_belongs_to_its_thread_and_says_that_a_program_wrote_it() -> None:
    mail = composed()
    assert mail["In-Reply-To"] == "<1@c.example>"
    assert mail["References"].split() == ["<0@c.example>", "<1@c.example>"]
    assert mail["Message-ID"] == composed()["Message-ID"], "the same at every try"
    assert TOKENS.of_message_id(MESSAGE.organization_id, mail["Message-ID"]) == (
        MESSAGE.conversation_id,
        MESSAGE.delivery_id,
    )
    assert TOKENS.of_addresses(MESSAGE.organization_id, [mail["Reply-To"]]) == MESSAGE.conversation_id
    assert mail["Auto-Submitted"] == "auto-replied"
    assert composed(replace(MESSAGE, author="agent"))["Auto-Submitted"] is None


def test_long_ids_stay_as_they_are() -> None:
    ids = [f"<{'x' * 90}{n}@mail.example>" for n in range(40)]
    mail = composed(replace(MESSAGE, thread={"message_id": ids[-1], "references": ids[:-1], "subject": "s"}))
    assert mail["In-Reply-To"] == ids[-1]
    assert mail["References"].split() == ids[-20:]


def test_an_attachment_and_a_logo_travel_along() -> None:
    logo = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    mailbox = MAILBOX.model_copy(update={"logo": logo, "header_color": "#2f5d50"})
    mail = composed(replace(MESSAGE, attachments=(Attachment("bill.pdf", "application/pdf", b"%PDF"),)), mailbox)
    assert "cid:logo@deskhand" in body(mail, "html")
    assert [part.get_filename() for part in mail.iter_attachments()] == ["bill.pdf"]
    assert any(part["Content-ID"] == "<logo@deskhand>" for part in mail.walk())


HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "Auto-Submitted",
           "X-Auto-Response-Suppress", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}  # fmt: skip
anything = st.text(max_size=60) | st.sampled_from(["a\r\nBcc: all@e.example", "x\n\nbody", "\u2028Bcc: x@y.example"])


@given(subject=anything, name=anything, file=anything, message_id=anything)
def test_nothing_that_people_write_becomes_a_header(subject: str, name: str, file: str, message_id: str) -> None:
    message = replace(
        MESSAGE,
        subject=subject,
        name=name,
        recipient=Person("dana@c.example", name),
        thread={"message_id": message_id, "references": [message_id], "subject": subject},
        attachments=(Attachment(file, "text/plain\r\nX: y", b"x"),),
    )
    mail = composed(message)
    assert set(mail.keys()) <= HEADERS
    assert [one.addr_spec for one in mail["To"].addresses] == ["dana@c.example"]


@pytest.mark.parametrize("address", ["dana", "a@b\r\nBcc: c@d.example", "", "@x"])
def test_what_is_no_address_is_not_written_to(address: str) -> None:
    with pytest.raises(ValueError):
        composed(replace(MESSAGE, recipient=Person(address)))


class Refusing:
    """A mail server with an answer for each step."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[bytes] = []
        self.connections = 0

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return self.answers.get("data", "250 OK")


@asynccontextmanager
async def smtp_server(handler: Refusing) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(handler, hostname="sink", loop=loop), "127.0.0.1", 0)
    try:
        yield Server("127.0.0.1", listening.sockets[0].getsockname()[1], "none", None, None)
    finally:
        listening.close()
        await listening.wait_closed()


async def send(client: SmtpClient, server: Server, channel_id: UUID = ONE) -> None:
    await client.send(channel_id, server, composed(), "support@acme.example", ["dana@c.example"])


async def test_one_connection_serves_many_mails() -> None:
    handler, client = Refusing(), SmtpClient()
    async with smtp_server(handler) as server:
        for _ in range(5):
            await send(client, server)
        await client.aclose()
    assert (len(handler.mails), handler.connections) == (5, 1)


REFUSALS = [
    ({"rcpt": "550 5.1.1 no such user"}, True, False),
    ({"rcpt": "450 4.2.1 greylisted"}, False, False),
    ({"mail": "553 5.7.1 not yours"}, True, True),
    ({"mail": "451 later"}, False, False),
    ({"data": "554 5.7.1 spam"}, True, False),
    ({"data": "452 4.3.1 disk full"}, False, False),
]


@pytest.mark.parametrize(("answers", "permanent", "broken"), REFUSALS)
async def test_what_a_refusal_means(answers: dict[str, str], permanent: bool, broken: bool) -> None:
    client = SmtpClient()
    async with smtp_server(Refusing(**answers)) as server:
        with pytest.raises(DeliveryError) as refused:
            await send(client, server)
        await client.aclose()
    assert (refused.value.permanent, refused.value.channel_broken) == (permanent, broken)
    assert next(iter(answers.values()))[:3] in refused.value.detail


async def test_a_server_that_is_away_is_tried_again_and_one_without_tls_is_not() -> None:
    client = SmtpClient()
    with pytest.raises(DeliveryError) as away:
        await send(client, Server("127.0.0.1", free_port(), "none", None, None))
    assert not away.value.permanent
    async with smtp_server(Refusing()) as server:
        with pytest.raises(DeliveryError) as plain:
            await send(client, replace(server, security="starttls"), UUID(int=2))
        await client.aclose()
    assert plain.value.channel_broken


@asynccontextmanager
async def providers(said: Providers) -> AsyncIterator[dict[str, Postmark | SendGrid]]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(said)) as http:
        yield {"postmark": Postmark("https://p.example", http), "sendgrid": SendGrid("https://s.example", http)}


@pytest.mark.parametrize("name", ["postmark", "sendgrid"])
async def test_a_provider_gets_the_same_mail(name: str) -> None:
    said = Providers()
    message = replace(MESSAGE, attachments=(Attachment("bill.pdf", "application/pdf", b"%PDF"),))
    mail = compose(message, MAILBOX, TOKENS, "https://desk.example")
    async with providers(said) as known:
        assert await known[name].check(TOKEN)
        await known[name].send(TOKEN, mail, MESSAGE.delivery_id.hex)
    (taken,) = said.taken
    given = taken.get("headers") or {one["Name"]: one["Value"] for one in taken["Headers"]}
    assert given["Message-ID"] == str(mail["Message-ID"])
    assert given["In-Reply-To"] == "<1@c.example>"
    assert MESSAGE.delivery_id.hex in str(taken)
    assert len(taken.get("attachments") or taken["Attachments"]) == 1


@pytest.mark.parametrize("name", ["postmark", "sendgrid"])
async def test_what_a_providers_refusal_means(name: str) -> None:
    said = Providers(busy=1)
    mail = compose(MESSAGE, MAILBOX, TOKENS, "")
    async with providers(said) as known:
        for token, sender, expected in (
            (TOKEN, "support@acme.example", (False, False)),
            ("wrong", "support@acme.example", (True, True)),
            (TOKEN, "other@acme.example", (True, True)),
        ):
            said.sender = sender
            with pytest.raises(DeliveryError) as refused:
                await known[name].send(token, mail, "1")
            assert (refused.value.permanent, refused.value.channel_broken) == expected, refused.value.detail
            assert refused.value.retry_after == (7.0 if expected == (False, False) else None)
    assert not said.taken


async def test_an_address_that_bounced_is_not_the_channels_fault() -> None:
    said = Providers(inactive={"dana@c.example"})
    async with providers(said) as known:
        with pytest.raises(DeliveryError) as refused:
            await known["postmark"].send(TOKEN, compose(MESSAGE, MAILBOX, TOKENS, ""), "1")
    assert refused.value.permanent
    assert not refused.value.channel_broken
