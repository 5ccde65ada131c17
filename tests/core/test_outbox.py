from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core.events import conversation_topic
from core.helpdesk import Helpdesk
from core.messages import Citation, Person
from core.models import Channel, Delivery, Message, now
from core.outbox import HELD_UP, MAX_ATTEMPTS, DeliveryError, NewMessage, Place
from core.queue import release_expired
from core.worker import Worker
from tests.cast import Shop, from_dana
from tests.fakes import FakeSender
from tests.hands import Hands
from tests.rows import an_hour_passes, change, row, rows
from tests.waiting import until

COVERED = "When will my parcel arrive?"


@pytest.fixture
async def loft(idle: Helpdesk, idle_acme: Shop, pigeon: Channel) -> Place:
    """dana's conversation by pigeon, her message already worked."""
    inbound = from_dana(idle_acme, "Coo?", uuid4(), channel_id=pigeon.id, thread={"loft": 7})
    receipt = await idle.inbox.receive(inbound)
    async with idle.db.write(idle_acme.id) as scope:
        await scope.session.execute(scope.update(Message).values(state="done"))
    return Place(receipt.conversation_id, pigeon.id, pigeon.kind)


async def _post(helpdesk: Helpdesk, shop: Shop, place: Place, *texts: str) -> list[UUID]:
    async with helpdesk.db.write(shop.id) as scope:
        return [await helpdesk.outbox.post(scope, place, NewMessage("agent", "Sam", text)) for text in texts]


async def test_a_reply_is_sent_once_with_all_that_a_connector_needs(
    idle: Helpdesk, idle_acme: Shop, pigeon: Channel, sender: FakeSender
) -> None:
    author = Person("dana@pigeons.example", name="Dana", email="dana@example.com", language="de", verified=True)
    inbound = from_dana(idle_acme, COVERED, channel_id=pigeon.id, author=author, thread={"loft": 7})
    receipt = await idle.inbox.receive(inbound)
    hands = Hands(idle)
    await hands.work()
    assert await hands.work(Delivery) == 1
    assert await hands.work(Delivery) == 0

    reply = await row(idle.db, idle_acme.id, Message, author="ai")
    delivery = await row(idle.db, idle_acme.id, Delivery)
    (sent,) = sender.sent
    assert (sent.delivery_id, sent.id, sent.text) == (delivery.id, reply.id, reply.text)
    assert (sent.organization_id, sent.channel_id) == (idle_acme.id, pigeon.id)
    assert (sent.conversation_id, sent.thread) == (receipt.conversation_id, {"loft": 7})
    assert (sent.recipient, sent.author, sent.name) == (author, "ai", "Robin")
    assert sent.citations == tuple(Citation(**citation) for citation in reply.citations)
    assert sent.citations[0].article == "delivery"
    assert (delivery.state, delivery.external_id, delivery.error) == ("sent", "provider-1", None)
    assert (delivery.lease_owner, delivery.lease_until) == (None, None)
    assert now() - delivery.sent_at < timedelta(minutes=1)


async def test_what_a_channel_reads_from_the_database_is_not_sent(idle: Helpdesk, idle_acme: Shop) -> None:
    await idle.inbox.receive(from_dana(idle_acme, COVERED))
    await Hands(idle).work()
    await row(idle.db, idle_acme.id, Message, author="ai")
    assert await rows(idle.db, idle_acme.id, Delivery) == []


async def test_a_permanent_refusal_ends_the_delivery_with_the_reason(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    refusal = "The pigeon was eaten. Connect another one under Channels."
    sender.failures = [DeliveryError(refusal, permanent=True)]
    await _post(idle, idle_acme, loft, "Coo.")
    await Hands(idle).work(Delivery)
    delivery = await row(idle.db, idle_acme.id, Delivery)
    assert (delivery.state, delivery.error, delivery.sent_at) == ("dead", refusal, None)
    await an_hour_passes(idle.db)
    assert await Hands(idle).work(Delivery) == 0
    assert sender.tries == 1


@pytest.mark.parametrize("failure", [DeliveryError("Storm.", permanent=False), ZeroDivisionError("a bug")])
async def test_another_failure_is_tried_again_with_a_pause_until_tries_run_out(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender, failure: Exception
) -> None:
    sender.failures = [failure] * MAX_ATTEMPTS
    await _post(idle, idle_acme, loft, "Coo.")
    for attempt in range(1, MAX_ATTEMPTS):
        before = now()
        await Hands(idle).work(Delivery)
        delivery = await row(idle.db, idle_acme.id, Delivery)
        assert (delivery.state, delivery.attempts, delivery.lease_owner) == ("queued", attempt, None)
        assert str(failure) in delivery.error
        assert delivery.available_at - before >= timedelta(seconds=min(2**attempt, 900) / 2)
        await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert (await row(idle.db, idle_acme.id, Delivery)).state == "dead"
    assert sender.tries == MAX_ATTEMPTS


async def test_who_is_told_to_wait_is_not_given_up_for_a_day(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    sender.failures = [DeliveryError("One pigeon a minute.", permanent=False, retry_after=60)] * (MAX_ATTEMPTS + 3)
    await _post(idle, idle_acme, loft, "Coo.")
    for _ in range(MAX_ATTEMPTS + 2):
        before = now()
        await Hands(idle).work(Delivery)
        delivery = await row(idle.db, idle_acme.id, Delivery)
        assert delivery.state == "queued"
        assert timedelta(seconds=60) <= delivery.available_at - before <= timedelta(seconds=120)
        await an_hour_passes(idle.db)
    await change(idle.db, idle_acme.id, Delivery, delivery.id, created_at=now() - HELD_UP)
    await Hands(idle).work(Delivery)
    assert (await row(idle.db, idle_acme.id, Delivery)).state == "dead"


async def test_after_a_storm_the_replies_arrive_in_order(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    sender.failures = [DeliveryError("Storm.", permanent=False)]
    await _post(idle, idle_acme, loft, "one", "two")
    await _post(idle, idle_acme, loft, "three")
    await Hands(idle).work(Delivery)
    assert sender.texts == []
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert sender.texts == ["one", "two", "three"]


async def test_a_dead_reply_does_not_hold_back_the_next_one(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    sender.failures = [DeliveryError("Too heavy for a pigeon.", permanent=True)]
    await _post(idle, idle_acme, loft, "a book", "a note")
    await Hands(idle).work(Delivery)
    assert sender.texts == ["a note"]


async def test_a_channel_that_is_off_keeps_its_replies_for_later(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    off = {"disabled_at": now(), "disabled_reason": "bird flu"}
    await change(idle.db, idle_acme.id, Channel, loft.channel_id, **off)
    await _post(idle, idle_acme, loft, "Coo.")
    await Hands(idle).work(Delivery)
    delivery = await row(idle.db, idle_acme.id, Delivery)
    assert (delivery.state, sender.tries) == ("queued", 0)
    assert "bird flu" in delivery.error
    assert "Pigeon post" in delivery.error
    await change(idle.db, idle_acme.id, Channel, loft.channel_id, disabled_at=None)
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert sender.texts == ["Coo."]


async def test_a_kind_of_channel_that_is_gone_ends_its_deliveries_by_name(
    idle: Helpdesk, idle_acme: Shop, loft: Place
) -> None:
    await _post(idle, idle_acme, loft, "Coo.")
    await change(idle.db, idle_acme.id, Channel, loft.channel_id, kind="telepathy")
    await Hands(idle).work(Delivery)
    delivery = await row(idle.db, idle_acme.id, Delivery)
    assert delivery.state == "dead"
    assert "telepathy" in delivery.error


async def test_a_message_to_a_kind_nobody_sends_to_is_stored_and_told(
    idle: Helpdesk, idle_acme: Shop, loft: Place
) -> None:
    elsewhere = Place(loft.conversation_id, loft.channel_id, "telepathy")
    with idle.events.subscribe(conversation_topic(loft.conversation_id)) as watching:
        (posted,) = await _post(idle, idle_acme, elsewhere, "Hmm.")
        while (event := await asyncio.wait_for(watching.get(), 5)).data.get("id") != str(posted):
            assert event.kind in ("message", "lagged")
    assert event.data["text"] == "Hmm."
    assert (await row(idle.db, idle_acme.id, Message, id=posted)).text == "Hmm."
    assert await rows(idle.db, idle_acme.id, Delivery) == []


async def test_a_message_that_is_not_committed_is_neither_sent_nor_told(
    idle: Helpdesk, idle_acme: Shop, loft: Place
) -> None:
    with idle.events.subscribe(conversation_topic(loft.conversation_id)) as watching:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction has to end inside
            async with idle.db.write(idle_acme.id) as scope:
                await idle.outbox.post(scope, loft, NewMessage("agent", "Sam", "never mind"))
                raise ZeroDivisionError
        (posted,) = await _post(idle, idle_acme, loft, "But this.")
        while (event := await asyncio.wait_for(watching.get(), 5)).data.get("id") != str(posted):
            assert event.data.get("text") != "never mind"
    assert (await row(idle.db, idle_acme.id, Message, author="agent")).id == posted
    assert (await row(idle.db, idle_acme.id, Delivery)).message_id == posted


async def test_a_dead_workers_delivery_is_taken_over_under_the_same_id(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    """The provider may have got it already: the same idempotency key tells it so."""
    await _post(idle, idle_acme, loft, "Coo.")
    dead, next_one = Hands(idle, "dead"), Hands(idle, "next")
    (claimed,) = await dead.claim(Delivery)
    assert await next_one.work(Delivery) == 0
    await an_hour_passes(idle.db)
    async with idle.db.system(write=True) as scope:
        assert await release_expired(scope, Delivery) == 1
    assert await next_one.work(Delivery) == 1
    assert [message.delivery_id for message in sender.sent] == [claimed]

    # The dead one rises and reports: what the living one wrote stays.
    sender.failures = [DeliveryError("Storm.", permanent=True)]
    await idle.outbox.deliver(idle_acme.id, claimed, "dead")
    delivery = await row(idle.db, idle_acme.id, Delivery)
    assert (delivery.state, delivery.error) == ("sent", None)


async def test_the_worker_sends_what_is_posted_without_waiting_for_a_poll(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    worker = Worker(idle.db, idle.events, Hands(idle).turns, idle.outbox, at_once=4)
    working = asyncio.create_task(worker.run())
    texts = [f"number {n}" for n in range(6)]

    async def all_sent() -> bool:
        return len(sender.sent) == len(texts)

    for text in texts:
        await _post(idle, idle_acme, loft, text)
    await until(all_sent, patience=4)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert sender.texts == texts


async def test_a_reply_through_a_channel_that_does_not_know_the_customer_ends_with_the_reason(
    idle: Helpdesk, idle_acme: Shop, loft: Place, sender: FakeSender
) -> None:
    begun = await idle.inbox.receive(from_dana(idle_acme, "Hello?", uuid4(), author=Person("dana's browser")))
    await _post(idle, idle_acme, Place(begun.conversation_id, loft.channel_id, loft.channel_kind), "Coo.")
    await Hands(idle).work(Delivery)
    delivery = await row(idle.db, idle_acme.id, Delivery)
    assert (delivery.state, sender.tries) == ("dead", 0)
    assert "Pigeon post" in delivery.error
