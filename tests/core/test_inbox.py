from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import NotFound
from core.events import Event, conversation_topic
from core.helpdesk import Helpdesk
from core.messages import Attachment, Person, subject_of
from core.models import Attachment as StoredAttachment
from core.models import Conversation, Customer, CustomerIdentity, Message, new_id, storable
from tests.cast import Shop, from_dana, globex
from tests.rows import row, rows

GARBAGE = {
    "NUL": "where\x00 is my parcel",
    "lone surrogates": "\ud83d half an emoji \ude00",
    "100,000 characters": "parcel " * 14_285 + "12345",
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈 parcel?",
    "right to left": "أين طردي؟ \u202eparcel\u202c",
    "combining": "p̸̧̛a̵r̴c̶e̷l̸" * 50,
    "markup": "<script>alert(1)</script> '; DROP TABLE messages; --",
    "nothing but controls": "\x00\x01\x02\x7f\ufeff",
    "empty": "",
}


async def test_a_first_message_opens_a_conversation_of_a_new_customer(idle: Helpdesk, idle_acme: Shop) -> None:
    author = Person("dana", name="Dana", email="dana@example.com", language="de", verified=True)
    receipt = await idle.inbox.receive(from_dana(idle_acme, "Where is my\n  parcel?", author=author, thread={"a": 1}))

    customer = await row(idle.db, idle_acme.id, Customer)
    assert (customer.name, customer.email, customer.language) == ("Dana", "dana@example.com", "de")
    identity = await row(idle.db, idle_acme.id, CustomerIdentity)
    assert (identity.customer_id, identity.external_id, identity.verified) == (customer.id, "dana", True)
    conversation = await row(idle.db, idle_acme.id, Conversation, id=receipt.conversation_id)
    assert (conversation.customer_id, conversation.subject) == (customer.id, "Where is my parcel?")
    assert (conversation.thread, conversation.handler) == ({"a": 1}, "bot")
    message = await row(idle.db, idle_acme.id, Message, id=receipt.message_id)
    assert (message.text, message.state, message.author) == ("Where is my\n  parcel?", "queued", "customer")
    assert not receipt.duplicate


async def test_the_next_message_joins_the_latest_conversation(idle: Helpdesk, idle_acme: Shop) -> None:
    first = await idle.inbox.receive(from_dana(idle_acme, "Hello?", thread={"n": 1}))
    second = await idle.inbox.receive(from_dana(idle_acme, "Anyone?", thread={"n": 2}))
    assert second.conversation_id == first.conversation_id
    assert len(await rows(idle.db, idle_acme.id, Customer)) == 1
    assert (await row(idle.db, idle_acme.id, Conversation)).thread == {"n": 2}


async def test_a_named_conversation_is_opened_under_its_name(idle: Helpdesk, idle_acme: Shop) -> None:
    named = uuid4()
    await idle.inbox.receive(from_dana(idle_acme, "Hello?"))
    receipt = await idle.inbox.receive(from_dana(idle_acme, "Another matter", named))
    again = await idle.inbox.receive(from_dana(idle_acme, "Still that matter", named))
    assert receipt.conversation_id == again.conversation_id == named
    assert len(await rows(idle.db, idle_acme.id, Conversation)) == 2
    assert len(await rows(idle.db, idle_acme.id, Customer)) == 1


@pytest.mark.parametrize("named", [True, False], ids=["named conversation", "latest conversation"])
async def test_a_message_received_twice_changes_nothing(idle: Helpdesk, idle_acme: Shop, named: bool) -> None:
    conversation = uuid4() if named else None
    first = await idle.inbox.receive(from_dana(idle_acme, "Hello?", conversation, external_id="m1", thread={"n": 1}))
    # A channel that lost our acknowledgement may have made up another conversation for its second try.
    other = uuid4() if named else None
    again = await idle.inbox.receive(from_dana(idle_acme, "Hello??", other, external_id="m1", thread={"n": 2}))

    assert again.duplicate
    assert (again.message_id, again.conversation_id) == (first.message_id, first.conversation_id)
    assert (await row(idle.db, idle_acme.id, Message)).text == "Hello?"
    assert (await row(idle.db, idle_acme.id, Conversation)).thread == {"n": 1}


async def test_a_message_received_fifty_times_at_once_is_stored_once(idle: Helpdesk, idle_acme: Shop) -> None:
    inbound = from_dana(idle_acme, "Hello?")
    receipts = await asyncio.gather(*(idle.inbox.receive(inbound) for _ in range(50)))
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert len({(receipt.message_id, receipt.conversation_id) for receipt in receipts}) == 1
    for model in (Message, Conversation, Customer, CustomerIdentity):
        await row(idle.db, idle_acme.id, model)


@pytest.mark.parametrize("named", [True, False], ids=["named conversation", "latest conversation"])
async def test_first_messages_of_a_new_customer_at_once_share_one_conversation(
    idle: Helpdesk, idle_acme: Shop, named: bool
) -> None:
    conversation = uuid4() if named else None
    messages = [from_dana(idle_acme, f"number {n}", conversation) for n in range(10)]
    receipts = await asyncio.gather(*(idle.inbox.receive(message) for message in messages))
    assert not any(receipt.duplicate for receipt in receipts)
    assert len({receipt.conversation_id for receipt in receipts}) == 1
    assert len(await rows(idle.db, idle_acme.id, Message)) == 10
    for model in (Conversation, Customer, CustomerIdentity):
        await row(idle.db, idle_acme.id, model)


async def test_a_known_customer_who_writes_several_times_at_once_opens_one_conversation(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    known = await idle.inbox.receive(from_dana(idle_acme, "Hello?"))
    async with idle.db.write(idle_acme.id) as scope:
        await scope.session.execute(scope.delete(Conversation).where(Conversation.id == known.conversation_id))
    messages = [from_dana(idle_acme, f"number {n}") for n in range(10)]
    receipts = await asyncio.gather(*(idle.inbox.receive(message) for message in messages))
    assert len({receipt.conversation_id for receipt in receipts}) == 1
    await row(idle.db, idle_acme.id, Conversation)


async def test_the_same_id_in_two_channels_is_two_messages(idle: Helpdesk, idle_acme: Shop) -> None:
    neighbour = await globex(idle)
    ours = await idle.inbox.receive(from_dana(idle_acme, "Hello?", external_id="m1"))
    theirs = await idle.inbox.receive(from_dana(neighbour, "Hello!", external_id="m1"))
    assert not theirs.duplicate
    assert theirs.conversation_id != ours.conversation_id


async def test_the_neighbours_conversation_cannot_be_joined(idle: Helpdesk, idle_acme: Shop) -> None:
    neighbour = await globex(idle)
    theirs = await idle.inbox.receive(from_dana(neighbour, "Rockets?"))
    with idle.events.subscribe(conversation_topic(theirs.conversation_id)) as watching:
        with pytest.raises(NotFound, match=str(theirs.conversation_id)):
            await idle.inbox.receive(from_dana(idle_acme, "Let me in", theirs.conversation_id))
        idle.events.publish(Event(conversation_topic(theirs.conversation_id), "over", {}))
        while (event := await asyncio.wait_for(watching.get(), 5)).kind != "over":
            assert event.data.get("text") != "Let me in"
    for model in (Message, Conversation, Customer):
        assert await rows(idle.db, idle_acme.id, model) == []
    assert (await row(idle.db, neighbour.id, Message)).text == "Rockets?"


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
async def test_whatever_a_customer_types_is_stored_and_told(idle: Helpdesk, idle_acme: Shop, text: str) -> None:
    named = uuid4()
    author = Person("dana", name=text, email=text, language=text)
    with idle.events.subscribe(conversation_topic(named)) as watching:
        receipt = await idle.inbox.receive(from_dana(idle_acme, text, named, author=author))
        event = await asyncio.wait_for(watching.get(), 5)
    stored = await row(idle.db, idle_acme.id, Message, id=receipt.message_id)
    assert stored.text == storable(text)
    assert event.kind == "lagged" or event.data["text"] == stored.text
    assert len((await row(idle.db, idle_acme.id, Conversation)).subject) <= 80


async def test_vendors_ids_of_any_length_and_letters_are_told_apart(idle: Helpdesk, idle_acme: Shop) -> None:
    """RFC 5322 lets a Message-ID fill a line of 998 characters; a column does not."""
    long = "<" + "x" * 900
    ids = [long + "1>", long + "2>", "<nul\x00@b>", "\ud83d"]
    for external_id in ids:
        await idle.inbox.receive(from_dana(idle_acme, "Hello", external_id=external_id, author=Person(external_id)))
    again = [from_dana(idle_acme, "Hello", external_id=external_id) for external_id in ids]
    receipts = [await idle.inbox.receive(inbound) for inbound in again]
    assert all(receipt.duplicate for receipt in receipts)
    assert len({receipt.message_id for receipt in receipts}) == len(ids)
    assert len(await rows(idle.db, idle_acme.id, Customer)) == len(ids)


async def test_attachments_come_with_their_message(idle: Helpdesk, idle_acme: Shop) -> None:
    files = (
        Attachment("kettle.png", "image/png", b"\x00\xff" * 1000),
        Attachment("n\x00a" + "m" * 400, "text/\x00plain" + "; a=b" * 99, b""),
    )
    receipt = await idle.inbox.receive(from_dana(idle_acme, "See the photo", attachments=files))
    photo, other = await rows(idle.db, idle_acme.id, StoredAttachment, message_id=receipt.message_id)
    assert (photo.name, photo.content_type, photo.size, photo.content) == (*_plain(files[0]), files[0].content)
    assert (len(other.name), len(other.content_type), other.size) == (255, 127, 0)


def _plain(file: Attachment) -> tuple[str, str, int]:
    return file.name, file.content_type, len(file.content)


async def test_a_receipt_that_is_cancelled_half_way_leaves_the_door_open(idle: Helpdesk, idle_acme: Shop) -> None:
    """Clients hang up at any moment; nobody else may suffer, and nothing may be half stored."""
    tasks = []
    for n in range(60):
        inbound = from_dana(idle_acme, f"number {n}", new_id(), author=Person(f"visitor {n}"))
        tasks.append(asyncio.create_task(idle.inbox.receive(inbound)))
    for n, task in enumerate(tasks):
        await asyncio.sleep(0.0005 * (n % 7))
        if n % 3:
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result).__name__ for result in results} <= {"Receipt", "CancelledError"}

    after = await idle.inbox.receive(from_dana(idle_acme, "Is anyone there?"))
    assert not after.duplicate
    stored = {message.text for message in await rows(idle.db, idle_acme.id, Message)}
    kept = {f"number {n}" for n, result in enumerate(results) if type(result).__name__ == "Receipt"}
    assert kept <= stored
    conversations = {c.id for c in await rows(idle.db, idle_acme.id, Conversation)}
    spoken_in = {m.conversation_id for m in await rows(idle.db, idle_acme.id, Message)}
    assert conversations == spoken_in


@given(st.text(st.characters(exclude_categories=())))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_storable_text_is_what_both_databases_take_and_nothing_else_changes(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert "\x00" not in kept
    assert storable(kept) == kept
    if all(character != "\x00" and not "\ud800" <= character <= "\udfff" for character in text):
        assert kept == text


@given(st.text(st.characters(exclude_categories=())))
def test_any_message_has_a_subject_of_one_short_line(text: str) -> None:
    subject = subject_of(storable(text))
    assert len(subject) <= 80
    assert len(subject.splitlines()) <= 1
    subject.encode()
