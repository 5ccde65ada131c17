"""The other ways in: providers' calls, our own listener; and the way after a visitor who has gone."""

from __future__ import annotations

import base64
import json
import smtplib
from asyncio import to_thread
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from connectors.email.listener import open_door
from connectors.email.receive import Mailroom
from core import desk
from core.desk import Agent
from core.helpdesk import Helpdesk
from core.messages import Person
from core.models import Channel, Conversation, Delivery, Message, Ticket, new_id, now
from core.outbox import Connected
from tests import cast
from tests.conftest import running
from tests.fakes import FakeSender
from tests.hands import Hands
from tests.rows import change, finished, row, rows
from tests.web.clients import client_of

SUPPORT = "support@acme.example"
PASSWORD = "a webhook's password"
AUTH = ("mail", PASSWORD)
RAW = (
    b"From: Dana <dana@c.example>\r\nTo: support@acme.example\r\nSubject: Paying\r\nMessage-ID: <1@c.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Can I pay with PayPal? \xc3\xa4\r\n"
)
POSTMARK = {
    "FromName": "Dana",
    "From": "dana@c.example",
    "To": "support@acme.example",
    "OriginalRecipient": "support@acme.example",
    "Subject": "Paying",
    "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
    "Date": "Thu, 5 Apr 2026 16:59:01 +0200",
    "TextBody": "Can I pay with PayPal?",
    "HtmlBody": "",
    "Headers": [{"Name": "Message-ID", "Value": "<1@c.example>"}, {"Name": "X-Spam-Status", "Value": "No"}],
    "Attachments": [
        {
            "Name": "a.txt",
            "Content": base64.b64encode(b"hello").decode(),
            "ContentType": "text/plain",
            "ContentLength": 5,
        }
    ],
}


async def mailbox(
    helpdesk: Helpdesk, shop: cast.Shop, password: str = PASSWORD, key: str = "mail", **more: object
) -> Channel:
    settings = {"address": SUPPORT, "receive": "webhook", "smtp_host": "h", "plus_addresses": True, **more}
    channel = Channel(id=new_id(), kind="email", name="Support", public_key=key, settings=settings)
    channel.sealed_secrets = helpdesk.box.seal({"webhook_password": password})
    async with helpdesk.db.write(shop.id) as scope:
        helpdesk.channels.create(scope, channel)
    return channel


async def test_a_mailbox_without_a_password_is_not_there_and_a_wrong_one_is_refused(
    helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient
) -> None:
    channel = await mailbox(helpdesk, acme, password="")
    assert (await http.post("/mail/mail/raw", content=RAW, auth=AUTH)).status_code == 404
    assert (await http.post("/mail/other/raw", content=RAW, auth=AUTH)).status_code == 404
    sealed = helpdesk.box.seal({"webhook_password": PASSWORD})
    await change(helpdesk.db, acme.id, Channel, channel.id, sealed_secrets=sealed)
    for auth in (None, ("mail", "wrong"), ("mail", "")):
        assert (await http.post("/mail/mail/raw", content=RAW, auth=auth)).status_code == 401
    assert not await rows(helpdesk.db, acme.id, Message)


CALLS = {
    "raw": ("raw", {"content": RAW}),
    "postmark": ("postmark", {"json": POSTMARK}),
    "postmark, raw": ("postmark", {"json": POSTMARK | {"RawEmail": RAW.decode()}}),
    "sendgrid, raw": ("sendgrid", {"data": {"email": RAW.decode(), "envelope": '{"to":["support@acme.example"]}'}}),
    "sendgrid": (
        "sendgrid",
        {
            "data": {
                "headers": "Message-ID: <1@c.example>\nX-Long: a\n b\nFrom: Dana <dana@c.example>\n",
                "text": "Can I pay with PayPal?",
                "subject": "Paying",
                "to": "support@acme.example",
                "envelope": json.dumps({"to": ["support@acme.example"], "from": "dana@c.example"}),
                "attachments": "1",
            },
            "files": {"attachment1": ("a.txt", b"hello", "text/plain")},
        },
    ),
}


@pytest.mark.parametrize(("provider", "call"), CALLS.values(), ids=CALLS)
async def test_a_providers_call_is_a_message_once(
    helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient, provider: str, call: dict[str, object]
) -> None:
    await mailbox(helpdesk, acme)
    for _ in range(2):
        answer = await http.post(f"/mail/mail/{provider}", auth=AUTH, **call)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
    message = await row(helpdesk.db, acme.id, Message, author="customer")
    assert message.external_id == "<1@c.example>"
    assert message.text.startswith("Can I pay with PayPal?")
    conversation = await row(helpdesk.db, acme.id, Conversation)
    assert (conversation.subject, conversation.thread["message_id"]) == ("Paying", "<1@c.example>")


NONSENSE = [
    ("postmark", b"{"),
    ("postmark", b"[]"),
    ("postmark", b'{"From": 3}'),
    ("sendgrid", b"x"),
    ("sendgrid-events", b'{"a": 1}'),
    ("postmark", b"[" * 100_000),
]


@pytest.mark.parametrize(("provider", "content"), NONSENSE)
async def test_nonsense_is_refused_and_harms_nobody(
    helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient, provider: str, content: bytes
) -> None:
    await mailbox(helpdesk, acme)
    answer = await http.post(f"/mail/mail/{provider}", auth=AUTH, content=content)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("provider", ["postmark", "sendgrid-events"])
async def test_a_provider_tells_what_became_of_a_mail(
    helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient, provider: str
) -> None:
    channel = await mailbox(helpdesk, acme)
    await http.post("/mail/mail/raw", content=RAW, auth=AUTH)
    asked = await row(helpdesk.db, acme.id, Message, author="customer")
    await finished(helpdesk.db, acme.id, asked.id)
    delivery = await row(helpdesk.db, acme.id, Delivery, channel_id=channel.id)
    await change(helpdesk.db, acme.id, Delivery, delivery.id, state="sent", lease_owner=None)
    told = delivery.id.hex
    metadata = {"Metadata": {"delivery": told}, "Email": "dana@c.example"}
    good, bad = (
        ({"RecordType": "Delivery", **metadata}, {"RecordType": "Bounce", "Type": "HardBounce", "Details": "550 gone", **metadata})  # noqa: E501
        if provider == "postmark"
        else ([{"event": "delivered", "delivery": told}], [{"event": "bounce", "type": "bounce", "reason": "550 gone", "email": "dana@c.example", "delivery": told}])  # noqa: E501
    )  # fmt: skip
    assert (await http.post(f"/mail/mail/{provider}", auth=AUTH, json=good)).status_code == 200
    assert (await row(helpdesk.db, acme.id, Delivery)).arrived_at
    assert (await http.post(f"/mail/mail/{provider}", auth=AUTH, json=bad)).status_code == 200
    delivery = await row(helpdesk.db, acme.id, Delivery)
    assert (delivery.state, "550 gone" in delivery.error) == ("dead", True)


async def test_our_own_door_takes_mail_for_our_mailboxes_alone(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    await mailbox(helpdesk, acme, receive="listener")
    room = Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox)

    def deliver(port: int) -> int:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("dana@c.example", ["support+x@acme.example"], RAW)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("dana@c.example", ["help@globex.example"], RAW)
            return int(client.esmtp_features["size"])

    async with open_door(helpdesk.db, room, "127.0.0.1", 0) as port:
        assert await to_thread(deliver, port) == 50_000_000
    assert (await row(helpdesk.db, acme.id, Message, author="customer")).text.startswith("Can I pay with PayPal?")


async def test_by_lmtp_each_mailbox_answers_for_itself(helpdesk: Helpdesk, acme: cast.Shop, globex: cast.Shop) -> None:
    await mailbox(helpdesk, acme, receive="listener")
    await mailbox(helpdesk, globex, key="help", address="help@globex.example", receive="listener", folder=7)
    room = Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox)

    def deliver(port: int) -> list[bytes]:
        with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
            client.ehlo_or_helo_if_needed()
            client.mail("dana@c.example")
            for address in (SUPPORT, "nobody@acme.example", "help@globex.example"):
                client.rcpt(address)
            client.putcmd("data")
            client.getreply()
            client.send(RAW + b".\r\n")
            return [client.getreply()[1], client.getreply()[1]]

    async with open_door(helpdesk.db, room, "127.0.0.1", 0, "lmtp") as port:
        stored, later = await to_thread(deliver, port)
    assert b"Stored" in stored
    assert b"Try again" in later, "the neighbour's settings cannot be read"
    assert (await row(helpdesk.db, acme.id, Message, author="customer")).text.startswith("Can I pay with PayPal?")


@pytest_asyncio.fixture
async def sender() -> FakeSender:
    return FakeSender()


async def test_a_visitor_who_has_gone_gets_the_agents_reply_by_mail(
    migrated_settings, encoder, sentiment, sender: FakeSender
) -> None:  # type: ignore[no-untyped-def]
    connected = Connected({"email": sender}, reaches=frozenset({"email"}))
    async with running(
        migrated_settings, lambda _: connected, work=False, encoder=encoder, sentiment=sentiment
    ) as helpdesk:
        acme = await cast.acme(helpdesk)
        channel = await mailbox(helpdesk, acme)
        hands = Hands(helpdesk)
        person = Person("dana", name="Dana", email="dana@c.example")
        receipt = await helpdesk.inbox.receive(cast.from_dana(acme, "I want a human", author=person))
        await hands.work()
        ticket = await row(helpdesk.db, acme.id, Ticket)
        agent = Agent(acme.sam_id, "Sam")
        for text, seen in (("You saw this.", True), ("You had gone.", False)):
            async with helpdesk.db.write(acme.id) as scope:
                await desk.reply(scope, helpdesk.outbox, agent, ticket.number, text)
            if seen:
                await change(
                    helpdesk.db, acme.id, Conversation, receipt.conversation_id, customer_seen_at=now() + timedelta(1)
                )
            else:
                await change(helpdesk.db, acme.id, Conversation, receipt.conversation_id, customer_seen_at=None)
            for waiting in await rows(helpdesk.db, acme.id, Delivery, state="queued"):
                await change(helpdesk.db, acme.id, Delivery, waiting.id, available_at=now())
            await hands.work(Delivery)
        assert sender.texts == ["You had gone."]
        assert sender.sent[0].recipient.external_id == "dana@c.example"

        room = Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox)
        address = room._tokens.reply_address(SUPPORT, acme.id, receipt.conversation_id)
        answer = RAW.replace(b"To: support@acme.example", f"To: {address}".encode())
        back = await room.receive(channel, answer.replace(b"<1@", f"<{uuid4()}@".encode()))
        assert back is not None
        assert back.conversation_id == receipt.conversation_id
        await hands.work()
        async with helpdesk.db.write(acme.id) as scope:
            await desk.reply(scope, helpdesk.outbox, agent, ticket.number, "By mail then.")
        for waiting in await rows(helpdesk.db, acme.id, Delivery, state="queued"):
            await change(helpdesk.db, acme.id, Delivery, waiting.id, available_at=now())
        await change(helpdesk.db, acme.id, Conversation, receipt.conversation_id, customer_seen_at=None)
        await hands.work(Delivery)
        assert sender.texts[-1] == "By mail then."


async def test_an_admin_connects_a_mailbox_and_hears_what_is_wrong(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    await change(helpdesk.db, acme.id, cast.Member, acme.sam_id, role="admin")
    async with client_of(helpdesk) as http:
        await http.post("/api/v1/session", json={"email": acme.sam_email, "password": cast.PASSWORD})
        body = {"kind": "email", "name": "Support", "settings": {"address": SUPPORT}, "secrets": {"password": "x"}}
        answer = await http.post("/api/v1/channels", json=body)
        assert answer.status_code == 400
        assert "imap_host" in answer.text
