"""By mail, with real servers: a question, its cited answer, a person, and how it was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from email.utils import make_msgid

import httpx
import pytest
import pytest_asyncio

from core.helpdesk import Helpdesk
from core.models import Channel, Conversation, Delivery, Message, Ticket, new_id
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.mailservers import SECRETS, MailServers
from tests.rows import row, rows
from tests.waiting import until
from tests.web.clients import as_sam, client_of
from web.listeners import listening

SUPPORT, DANA = "support@acme.example", "dana@customers.example"
pytestmark = pytest.mark.slow


async def mailbox(helpdesk: Helpdesk, shop: cast.Shop, servers: MailServers, address: str = SUPPORT) -> Channel:
    settings = servers.settings(address, sender_name=shop.site_key.partition("-")[0].title())
    channel = Channel(id=new_id(), kind="email", name="Support", public_key=f"mail-{address}", settings=settings)
    channel.sealed_secrets = helpdesk.box.seal(SECRETS)
    async with helpdesk.db.write(shop.id) as scope:
        helpdesk.channels.create(scope, channel)
    return channel


def letter(text: str, subject: str = "A question", answers: EmailMessage | None = None, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = headers.pop("From", f"Dana <{DANA}>")
    mail["To"] = str((answers["Reply-To"] or answers["From"]) if answers else SUPPORT)
    mail["Subject"] = subject if answers is None else f"Re: {answers['Subject']}"
    mail["Message-ID"] = make_msgid(domain="customers.example")
    if answers:
        mail["In-Reply-To"] = answers["Message-ID"]
        mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


Write = Callable[[EmailMessage], None]


def post(servers: MailServers, mail: EmailMessage) -> None:
    sender, to = mail["From"].addresses[0].addr_spec, [one.addr_spec for one in mail["To"].addresses]
    servers.send(sender, to, mail)


async def mails(servers: MailServers, who: str, count: int) -> list[EmailMessage]:
    """What `who` got, once it is so many."""

    async def enough() -> list[EmailMessage] | None:
        found = await asyncio.to_thread(servers.inbox, who)
        return found if len(found) >= count else None

    found: list[EmailMessage] = await until(enough, 60)
    assert len(found) == count
    return found


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest_asyncio.fixture
async def helpdesk(migrated_settings: Settings, encoder, sentiment) -> AsyncIterator[Helpdesk]:  # type: ignore[no-untyped-def]
    settings = migrated_settings.model_copy(update={"public_url": "https://desk.acme.example"})
    async with running(settings, encoder=encoder, sentiment=sentiment) as helpdesk, listening(helpdesk):
        yield helpdesk


async def test_from_the_first_mail_to_the_rating(
    helpdesk: Helpdesk, acme: cast.Shop, mail_servers: MailServers
) -> None:
    await mailbox(helpdesk, acme, mail_servers)
    post(mail_servers, letter("Hi,\n\nCan I pay with PayPal?\n\nDana", "Paying", Cc="Erin <erin@customers.example>"))
    (answer,) = await mails(mail_servers, DANA, 1)
    assert "PayPal" in text_of(answer)
    assert "https://desk.acme.example/help/payment" in text_of(answer), "the source is a link"
    assert answer["Subject"] == "Re: Paying"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert [one.addr_spec for one in answer["Cc"].addresses] == ["erin@customers.example"]

    post(mail_servers, letter("Thanks. But I want to talk to a human about a refund, please.", answers=answer))
    _, notice = await mails(mail_servers, DANA, 2)
    ticket = await row(helpdesk.db, acme.id, Ticket)
    assert f"#{ticket.number}" in text_of(notice)

    async with client_of(helpdesk) as http:
        await as_sam(http, acme)
        await _reply(http, ticket.number, "Hello Dana, I have refunded it.")
        *_, replied = await mails(mail_servers, DANA, 3)
        assert "I have refunded it." in text_of(replied)
        assert replied["Auto-Submitted"] is None, "a person wrote it"
        assert "I want to talk to a human" in text_of(replied), "what it answers is quoted"

        post(mail_servers, letter("Wonderful, thank you so much!", answers=replied))
        await until(lambda: _has_message(helpdesk, acme, "Wonderful, thank you so much!"))
        await _resolve(http, ticket.number)
        *_, asked = await mails(mail_servers, DANA, 4)
        link = re.search(r"https://desk\.acme\.example(/rate/\S+)\?score=5", text_of(asked))
        assert link
        shown = await http.get(link[1], params={"score": 5})
        assert shown.status_code == 200
        assert (await row(helpdesk.db, acme.id, Ticket)).rating is None, "a scanner that follows links rates nothing"
        await http.post(link[1], data={"score": 5, "comment": "Quick!"})
    ticket = await row(helpdesk.db, acme.id, Ticket)
    assert (ticket.rating, ticket.rating_comment) == (5, "Quick!")
    assert len(await rows(helpdesk.db, acme.id, Conversation)) == 1
    assert {one.state for one in await rows(helpdesk.db, acme.id, Delivery)} == {"sent"}
    assert mail_servers.unseen(SUPPORT) == 0


async def _reply(http: httpx.AsyncClient, number: int, text: str) -> None:
    answer = await http.post(f"/api/v1/tickets/{number}/reply", json={"text": text})
    assert answer.status_code < 300, answer.text


async def _resolve(http: httpx.AsyncClient, number: int) -> None:
    answer = await http.post(f"/api/v1/tickets/{number}/resolve")
    assert answer.status_code < 300, answer.text


async def _has_message(helpdesk: Helpdesk, shop: cast.Shop, text: str) -> bool:
    return bool(await rows(helpdesk.db, shop.id, Message, text=text, state="done"))
