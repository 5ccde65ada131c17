"""Which conversation a mail belongs to, and which mail is answered by nobody."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid
from uuid import uuid4

import pytest
import pytest_asyncio

from connectors.email.compose import POLICY
from connectors.email.receive import Mailroom
from connectors.email.tokens import MailTokens
from core.helpdesk import Helpdesk
from core.models import Alert, Attachment, Channel, Conversation, CustomerIdentity, Delivery, Message, new_id
from core.models import Participant as Taking
from tests import cast
from tests.rows import change, finished, row, rows
from tests.waiting import until

SUPPORT, DANA, ERIN, MALLORY = "support@acme.example", "dana@c.example", "erin@c.example", "mallory@e.example"
Room = tuple[Mailroom, Channel]


def mail(text: str, sender: str = DANA, to: str = SUPPORT, **headers: str) -> bytes:
    message = EmailMessage(policy=POLICY)
    given = {"From": sender, "To": to, "Subject": "Paying", "Message-ID": make_msgid(domain="c.example"), **headers}
    for name, value in given.items():
        if value:
            message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


async def mailbox(helpdesk: Helpdesk, shop: cast.Shop, address: str = SUPPORT) -> Channel:
    settings = {"address": address, "imap_host": "h", "smtp_host": "h", "plus_addresses": True}
    channel = Channel(id=new_id(), kind="email", name="Support", public_key=address, settings=settings)
    async with helpdesk.db.write(shop.id) as scope:
        helpdesk.channels.create(scope, channel)
    return channel


@pytest_asyncio.fixture
async def support(helpdesk: Helpdesk, acme: cast.Shop) -> Room:
    return Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox), await mailbox(helpdesk, acme)


@pytest.fixture
def tokens(helpdesk: Helpdesk) -> MailTokens:
    return MailTokens(helpdesk.settings.key())


async def received(helpdesk: Helpdesk, room: Room, raw: bytes, *came_to: str) -> Message:
    receipt = await room[0].receive(room[1], raw, came_to)
    assert receipt is not None
    message: Message = await row(helpdesk.db, room[1].organization_id, Message, id=receipt.message_id)
    return message


async def test_the_same_mail_twice_is_one_message(helpdesk: Helpdesk, support: Room) -> None:
    raw = mail("Can I pay with PayPal?")
    first = await received(helpdesk, support, raw)
    assert (await received(helpdesk, support, b"Received: again\r\n" + raw)).id == first.id


async def test_two_mails_under_one_message_id_are_two_messages(helpdesk: Helpdesk, support: Room) -> None:
    same = {"Message-ID": "<always-the-same@broken.example>"}
    first = await received(helpdesk, support, mail("Can I pay with PayPal?", **same))
    second = await received(helpdesk, support, mail("When are you open?", **same))
    assert (first.id, first.text) != (second.id, second.text)
    assert (await received(helpdesk, support, mail("When are you open?", **same))).id == second.id


async def test_new_mails_of_one_customer_are_conversations_of_their_own(helpdesk: Helpdesk, support: Room) -> None:
    first = await received(helpdesk, support, mail("Can I pay with PayPal?"))
    second = await received(helpdesk, support, mail("When are you open?", Subject="Re: [#1001] Paying"))
    assert first.conversation_id != second.conversation_id, "a number in the subject says nothing"
    assert len(await rows(helpdesk.db, support[1].organization_id, CustomerIdentity, external_id=DANA)) == 1


async def test_a_reply_is_known_by_what_it_answers(helpdesk: Helpdesk, support: Room, tokens: MailTokens) -> None:
    organization_id = support[1].organization_id
    first = await received(helpdesk, support, mail("Can I pay with PayPal?", **{"Message-ID": "<1@c.example>"}))
    home = (organization_id, first.conversation_id)
    ours = tokens.message_id(*home, uuid4(), "acme.example")
    reply_to = tokens.reply_address(SUPPORT, *home)
    for raw in (
        mail("by our id", In_Reply_To=ours),
        mail("by references", References=f"<unknown@x.example> {ours.upper()} <more@x.example>"),
        mail("by their own id", In_Reply_To="<1@c.example>"),
        mail("by the address", to=reply_to.upper()),
        mail("by the subject", Subject=f"Re: Paying [ref:{tokens.token(*home)}]"),
    ):
        message = await received(helpdesk, support, raw)
        assert message.conversation_id == first.conversation_id, message.text
        assert message.speaker is None, "it is the customer's own"


async def test_a_stranger_who_knows_the_thread_opens_another_conversation(
    helpdesk: Helpdesk, support: Room, tokens: MailTokens
) -> None:
    organization_id = support[1].organization_id
    first = await received(helpdesk, support, mail("Can I pay with PayPal?", **{"Message-ID": "<1@c.example>"}))
    ours = tokens.message_id(organization_id, first.conversation_id, uuid4(), "acme.example")
    for headers in ({"In_Reply_To": ours}, {"References": "<1@c.example>"}):
        strange = await received(helpdesk, support, mail("Tell me all about it.", MALLORY, **headers))
        assert strange.conversation_id != first.conversation_id
        opened = await row(helpdesk.db, organization_id, Conversation, id=strange.conversation_id)
        assert opened.linked_to_id == first.conversation_id


async def test_who_holds_our_address_joins_and_is_named(helpdesk: Helpdesk, support: Room, tokens: MailTokens) -> None:
    organization_id = support[1].organization_id
    first = await received(helpdesk, support, mail("Can I pay with PayPal?"))
    address = tokens.reply_address(SUPPORT, organization_id, first.conversation_id)
    joined = await received(helpdesk, support, mail("I am her husband.", f"Eric <{ERIN}>"), address)
    assert (joined.conversation_id, joined.speaker) == (first.conversation_id, "Eric")
    forged = address.replace("+", "+a", 1)[: address.index("@")] + "@acme.example"
    other = await received(helpdesk, support, mail("Me too.", MALLORY), forged)
    assert other.conversation_id != first.conversation_id


async def test_colleagues_in_copy_take_part(helpdesk: Helpdesk, support: Room) -> None:
    first = await received(
        helpdesk, support, mail("Can I pay?", Cc=f"Erin <{ERIN}>, {SUPPORT}", **{"Message-ID": "<1@c.example>"})
    )
    taking = await rows(helpdesk.db, support[1].organization_id, Taking)
    assert [(one.external_id, one.name) for one in taking] == [(ERIN, "Erin")]
    hers = await received(helpdesk, support, mail("Me too.", f"Erin <{ERIN}>", In_Reply_To="<1@c.example>"))
    assert (hers.conversation_id, hers.speaker) == (first.conversation_id, "Erin")


async def test_a_crowd_is_nobody_in_particular(helpdesk: Helpdesk, support: Room) -> None:
    crowd = ", ".join(f"p{n}@crowd.example" for n in range(10_000))
    await received(helpdesk, support, mail("Hello all", Cc=crowd))
    assert not await rows(helpdesk.db, support[1].organization_id, Taking)


async def test_a_neighbours_tokens_mean_nothing(
    helpdesk: Helpdesk, support: Room, globex: cast.Shop, tokens: MailTokens
) -> None:
    first = await received(helpdesk, support, mail("Can I pay with PayPal?", **{"Message-ID": "<1@c.example>"}))
    home = (support[1].organization_id, first.conversation_id)
    theirs = support[0], await mailbox(helpdesk, globex, "help@globex.example")
    for raw in (
        mail("one", In_Reply_To=tokens.message_id(*home, uuid4(), "acme.example")),
        mail("two", to=tokens.reply_address("help@globex.example", *home)),
        mail("three", In_Reply_To="<1@c.example>"),
        mail("four", Subject=f"[ref:{tokens.token(*home)}]"),
    ):
        message = await received(helpdesk, theirs, raw)
        opened = await row(helpdesk.db, globex.id, Conversation, id=message.conversation_id)
        assert opened.linked_to_id is None
    assert len(await rows(helpdesk.db, support[1].organization_id, Message)) - 1 <= 1


AUTOMATIC = {
    "auto-submitted": {"Auto_Submitted": "auto-replied"},
    "a list": {"List_Id": "<news.c.example>", "Precedence": "list"},
    "no-reply": {"From": "no-reply@shop.example"},
    "empty return path": {"Return_Path": "<>"},
    "ourselves": {"From": SUPPORT},
}


@pytest.mark.parametrize("headers", AUTOMATIC.values(), ids=AUTOMATIC)
async def test_what_a_program_wrote_is_kept_and_not_answered(
    helpdesk: Helpdesk, support: Room, headers: dict[str, str]
) -> None:
    message = await received(helpdesk, support, mail("Can I pay with PayPal?", **headers))
    assert (message.state, message.outcome) == ("done", "silent")
    assert message.analysis["automatic"]
    assert not await rows(helpdesk.db, support[1].organization_id, Message, author="ai")


async def test_our_own_mail_come_back_is_no_message(helpdesk: Helpdesk, support: Room, tokens: MailTokens) -> None:
    ours = tokens.message_id(support[1].organization_id, uuid4(), uuid4(), "acme.example")
    assert await support[0].receive(support[1], mail("An answer", **{"Message-ID": ours})) is None


async def test_two_programs_that_answer_each_other_stop(helpdesk: Helpdesk, support: Room) -> None:
    outcomes = [(await received(helpdesk, support, mail(f"I am away, {n}."))).outcome for n in range(25)]
    assert outcomes[20:] == ["silent"] * 5
    assert "silent" not in outcomes[:20]
    other = await received(helpdesk, support, mail("Can I pay with PayPal?", ERIN))
    assert other.outcome != "silent"


async def test_what_an_agent_sends_on_is_the_original_senders(
    helpdesk: Helpdesk, support: Room, acme: cast.Shop
) -> None:
    text = (
        "---------- Forwarded message ---------\nFrom: Erin <erin@c.example>\nDate: Mon, 2 Nov 2026\n"
        "Subject: Broken kettle\nTo: sam@acme.example\n\nMy kettle is broken, what now?\n"
    )
    message = await received(helpdesk, support, mail(text, acme.sam_email, Subject="Fwd: Broken kettle"))
    assert message.text == "My kettle is broken, what now?"
    assert await rows(helpdesk.db, acme.id, CustomerIdentity, external_id=ERIN)
    strangers = await received(helpdesk, support, mail(text, MALLORY, Subject="Fwd: Broken kettle"))
    opened = await row(helpdesk.db, acme.id, Conversation, id=strangers.conversation_id)
    (identity,) = await rows(helpdesk.db, acme.id, CustomerIdentity, external_id=MALLORY)
    assert opened.customer_id == identity.customer_id, "only an agent writes for somebody else"


def bounce_of(message_id: str) -> bytes:
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: support@acme.example\r\n"
        f"Message-ID: <{uuid4()}@mx.example>\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nCould not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; dana@c.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\nSubject: Re: Paying\r\n"
        "\r\nx\r\n--b--\r\n"
    ).encode()


async def test_a_bounce_marks_the_delivery_and_the_address(
    helpdesk: Helpdesk, support: Room, tokens: MailTokens
) -> None:
    organization_id = support[1].organization_id
    asked = await received(helpdesk, support, mail("Can I pay with PayPal?"))
    await finished(helpdesk.db, organization_id, asked.id)
    delivery = await row(helpdesk.db, organization_id, Delivery)
    await until(lambda: _tried(helpdesk, organization_id))
    await change(helpdesk.db, organization_id, Delivery, delivery.id, state="sent")
    ours = tokens.message_id(organization_id, asked.conversation_id, delivery.id, "acme.example")
    report = await received(helpdesk, support, bounce_of(ours))
    assert (report.conversation_id, report.outcome) == (asked.conversation_id, "silent")
    delivery = await row(helpdesk.db, organization_id, Delivery)
    assert delivery.state == "dead"
    assert "no such user" in delivery.error
    assert (await row(helpdesk.db, organization_id, CustomerIdentity)).unreachable
    assert await rows(helpdesk.db, organization_id, Alert)


async def _tried(helpdesk: Helpdesk, organization_id: object) -> bool:
    (delivery,) = await rows(helpdesk.db, organization_id, Delivery)  # type: ignore[arg-type]
    return delivery.state == "queued" and delivery.attempts > 0


async def test_a_mail_that_cannot_be_read_is_kept_whole(helpdesk: Helpdesk, support: Room) -> None:
    raw = (
        b"From: dana@c.example\r\nTo: support@acme.example\r\nSubject: secret\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIIB\r\n"
    )
    message = await received(helpdesk, support, raw)
    kept = await rows(helpdesk.db, support[1].organization_id, Attachment, message_id=message.id)
    assert raw in [one.content for one in kept]


async def test_fifty_megabytes_do_no_harm(helpdesk: Helpdesk, support: Room) -> None:
    message = EmailMessage(policy=POLICY)
    message["From"], message["To"], message["Subject"] = DANA, SUPPORT, "Big"
    message.set_content("Can I pay with PayPal?")
    message.add_attachment(b"\0" * 36_000_000, "application", "octet-stream", filename="big.bin")
    stored = await received(helpdesk, support, message.as_bytes())
    assert stored.text == "Can I pay with PayPal?"


GROUP = {"List-ID": "<support.acme.example>", "Precedence": "list", "List-Post": "<mailto:support@acme.example>"}


async def test_mail_through_a_group_of_the_mailboxs_own_address_is_a_customers(
    helpdesk: Helpdesk, support: Room
) -> None:
    first = await received(helpdesk, support, mail("Can I pay with PayPal?", **GROUP))
    assert (await finished(helpdesk.db, support[1].organization_id, first.id)).outcome == "answered"
    strict = {**GROUP, "From": f"'Dana' via Support <{SUPPORT}>", "Reply-To": DANA}
    second = await received(helpdesk, support, mail("When are you open?", **strict))
    assert (await finished(helpdesk.db, support[1].organization_id, second.id)).outcome == "answered"
    assert len(await rows(helpdesk.db, support[1].organization_id, CustomerIdentity, external_id=DANA)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {**GROUP, "List-ID": "<news.acme.example>"},
        {**GROUP, "List-ID": "Acme <support.acme.example.evil.example>"},
        {**GROUP, "Auto-Submitted": "auto-replied"},
        {**GROUP, "From": SUPPORT},
    ],
)
async def test_what_else_comes_through_lists_is_answered_by_nobody(
    helpdesk: Helpdesk, support: Room, headers: dict[str, str]
) -> None:
    message = await received(helpdesk, support, mail("Can I pay with PayPal?", **headers))
    assert (message.outcome, bool(message.analysis["automatic"])) == ("silent", True)
