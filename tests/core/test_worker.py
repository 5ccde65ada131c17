from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core import queue
from core import worker as worker_module
from core.helpdesk import Helpdesk
from core.models import Conversation, Message, Ticket
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from core.worker import Worker
from tests import cast
from tests.cast import Shop, from_dana
from tests.conftest import running
from tests.fakes import SlowEncoder
from tests.hands import Hands
from tests.rows import an_hour_passes, finished, row, rows
from tests.waiting import until

COVERED = "When will my parcel arrive?"
ALL_TO_PEOPLE = {"autonomy": "off"}
"""Each message gets a notice and never silences the bot, whatever it says."""
WITHOUT_A_POLL = worker_module.POLL_SECONDS - 1


async def test_a_burst_in_one_conversation_is_worked_in_order_without_a_pause(
    any_helpdesk: Helpdesk, slow: SlowEncoder
) -> None:
    shop = await cast.acme(any_helpdesk, settings=ALL_TO_PEOPLE)
    named = uuid4()
    receipts = [await any_helpdesk.inbox.receive(from_dana(shop, f"parcel {n}?", named)) for n in range(6)]
    async with asyncio.timeout(WITHOUT_A_POLL):
        for receipt in receipts:
            await finished(any_helpdesk.db, shop.id, receipt.message_id)
    assert slow.seen == [f"parcel {n}?" for n in range(6)]


async def test_different_conversations_are_worked_side_by_side(
    any_helpdesk: Helpdesk, any_acme: Shop, slow: SlowEncoder
) -> None:
    """While all of them wait at the gate, none can be finished: they are in work together."""
    slow.gate.clear()
    for n in range(5):
        for name in (UUID(int=n + 1), UUID(int=n + 1)):
            await any_helpdesk.inbox.receive(from_dana(any_acme, COVERED, name))
    await until(lambda: _waiting(slow, 5))
    in_work = await rows(any_helpdesk.db, any_acme.id, Message, state="working")
    assert len({message.conversation_id for message in in_work}) == len(in_work) == 5
    slow.gate.set()
    for message in await rows(any_helpdesk.db, any_acme.id, Message, author="customer"):
        assert (await finished(any_helpdesk.db, any_acme.id, message.id)).outcome == "answered"


async def test_no_more_are_in_work_than_allowed(
    settings: Settings, slow: SlowEncoder, sentiment: SentimentModel
) -> None:
    settings = settings.model_copy(update={"turns_at_once": 2})
    async with running(settings, encoder=slow, sentiment=sentiment) as helpdesk:
        shop = await cast.acme(helpdesk)
        slow.gate.clear()
        receipts = [await helpdesk.inbox.receive(from_dana(shop, COVERED, uuid4())) for _ in range(6)]
        await until(lambda: _waiting(slow, 2))
        assert len(await rows(helpdesk.db, shop.id, Message, state="working")) == 2
        slow.gate.set()
        async with asyncio.timeout(WITHOUT_A_POLL):
            for receipt in receipts:
                await finished(helpdesk.db, shop.id, receipt.message_id)


async def _waiting(slow: SlowEncoder, number: int) -> bool:
    return slow.at_the_gate >= number


@pytest_asyncio.fixture
async def talkative(helpdesk: Helpdesk) -> Shop:
    return await cast.acme(helpdesk, settings=ALL_TO_PEOPLE)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12, derandomize=True
)
async def test_each_conversation_is_answered_in_its_own_order(
    helpdesk: Helpdesk, talkative: Shop, slow: SlowEncoder, arrivals: list[tuple[int, int]]
) -> None:
    """`arrivals`: in which conversation, and how many loop turns the next one lets pass."""
    names = [uuid4() for _ in range(4)]
    slow.seen.clear()
    slow.failures.clear()
    receipts = []
    for n, (conversation, pause) in enumerate(arrivals):
        inbound = from_dana(talkative, f"{conversation}/{n} where is my parcel?", names[conversation])
        receipts.append(await helpdesk.inbox.receive(inbound))
        for _ in range(pause):
            await asyncio.sleep(0)
    for receipt in receipts:
        await finished(helpdesk.db, talkative.id, receipt.message_id)
    for conversation, name in enumerate(names):
        asked = [f"{conversation}/{n}" for n, (where, _) in enumerate(arrivals) if where == conversation]
        assert [text.split()[0] for text in slow.seen if text.startswith(f"{conversation}/")] == asked
        messages = await rows(helpdesk.db, talkative.id, Message, conversation_id=name)
        questions = [m for m in messages if m.author == "customer"]
        replies = sorted((m for m in messages if m.author == "ai"), key=lambda m: m.created_at)
        assert [reply.reply_to_id for reply in replies] == [question.id for question in questions]


@pytest.mark.parametrize("asked", [COVERED, "I want to talk to a human"])
async def test_a_worker_that_dies_in_mid_turn_loses_nothing_and_repeats_nothing(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder, asked: str
) -> None:
    receipts = [await idle.inbox.receive(from_dana(idle_acme, asked, uuid4())) for _ in range(3)]
    slow.gate.clear()
    first = asyncio.create_task(_turns(idle, idle_acme))
    await until(lambda: _waiting(slow, 3))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    slow.gate.set()
    assert len(await rows(idle.db, idle_acme.id, Message, state="working", lease_owner="first")) == 3
    await an_hour_passes(idle.db)

    second = Worker(idle.db, idle.events, Hands(idle).turns, idle.outbox, at_once=16)
    working = asyncio.create_task(second.run())
    for receipt in receipts:
        message = await finished(idle.db, idle_acme.id, receipt.message_id)
        assert message.attempts == 2
        reply = await row(idle.db, idle_acme.id, Message, reply_to_id=message.id)
        assert bool(reply.ticket_id) == (message.outcome == "escalated")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    tickets = await rows(idle.db, idle_acme.id, Ticket)
    assert len(tickets) == (3 if asked != COVERED else 0)


async def _turns(helpdesk: Helpdesk, shop: Shop) -> None:
    hands = Hands(helpdesk, "first")
    await asyncio.gather(*(hands.turn(shop.id, message) for message in await hands.claim()))


async def test_a_worker_told_to_stop_finishes_what_it_has_in_work(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder
) -> None:
    worker = Worker(idle.db, idle.events, Hands(idle).turns, idle.outbox, at_once=1)
    slow.gate.clear()
    in_work, waiting = [await idle.inbox.receive(from_dana(idle_acme, COVERED, uuid4())) for _ in range(2)]
    working = asyncio.create_task(worker.run())
    await until(lambda: _waiting(slow, 1))
    working.cancel()
    await asyncio.sleep(0)
    slow.gate.set()
    await asyncio.gather(working, return_exceptions=True)
    assert (await row(idle.db, idle_acme.id, Message, id=in_work.message_id)).outcome == "answered"
    assert (await row(idle.db, idle_acme.id, Message, id=waiting.message_id)).state == "queued"


@pytest.mark.postgresql
async def test_two_workers_on_one_database_answer_each_message_once(
    postgres_settings: Settings, slow: SlowEncoder, sentiment: SentimentModel
) -> None:
    async with (
        running(postgres_settings, encoder=slow, sentiment=sentiment) as one,
        running(postgres_settings, encoder=SlowEncoder(slow), sentiment=sentiment) as two,
    ):
        shop = await cast.acme(one, settings=ALL_TO_PEOPLE)
        names = [uuid4() for _ in range(10)]
        inbounds = [from_dana(shop, f"{n}: where is my parcel?", names[n % 10]) for n in range(30)]
        doors = (one, two)
        receipts = []
        for start in range(0, 30, 10):  # a conversation's next message comes after its last one was acknowledged
            batch = enumerate(inbounds[start : start + 10])
            receipts += await asyncio.gather(*(doors[n % 2].inbox.receive(inbound) for n, inbound in batch))
        for receipt in receipts:
            message = await finished(one.db, shop.id, receipt.message_id)
            assert message.attempts == 1
            await row(one.db, shop.id, Message, reply_to_id=message.id)
        for name in names:
            messages = await rows(one.db, shop.id, Message, conversation_id=name)
            questions = [m.id for m in messages if m.author == "customer"]
            replies = sorted((m for m in messages if m.author == "ai"), key=lambda m: m.created_at)
            assert [reply.reply_to_id for reply in replies] == questions


async def test_a_message_that_no_one_was_woken_for_is_found(
    helpdesk: Helpdesk, acme: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wake-up can be lost between processes; the poll is the net below."""
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 0.05)
    await finished(helpdesk.db, acme.id, (await helpdesk.inbox.receive(from_dana(acme, COVERED))).message_id)
    conversation = await row(helpdesk.db, acme.id, Conversation)
    async with helpdesk.db.write(acme.id) as scope:
        unheard = scope.add(
            Message(
                conversation_id=conversation.id,
                channel_id=acme.widget_id,
                author="customer",
                text=COVERED,
                state="queued",
            )
        )
    helpdesk.worker._wake.set()  # ends the long wait that began before the short one was set
    assert (await finished(helpdesk.db, acme.id, unheard.id)).outcome == "answered"


@pytest.mark.postgresql
async def test_the_worker_outlives_a_restart_of_the_database(
    postgres_settings: Settings, postgres_url: str, slow: SlowEncoder, sentiment: SentimentModel
) -> None:
    """While it starts, PostgreSQL takes connections only to refuse them."""
    async with running(postgres_settings, encoder=slow, sentiment=sentiment) as helpdesk:
        shop = await cast.acme(helpdesk)
        name = postgres_settings.url.database
        admin = await asyncpg.connect(f"{postgres_url}/postgres")
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

        async def refused() -> bool:
            return any(line["event"] == "worker.database_unavailable" for line in logs)

        with capture_logs() as logs:
            helpdesk.worker._wake.set()
            await until(refused)
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
        receipt = await helpdesk.inbox.receive(from_dana(shop, COVERED))
        helpdesk.worker._wake.set()
        assert (await finished(helpdesk.db, shop.id, receipt.message_id)).outcome == "answered"


async def test_a_step_that_fails_for_once_is_not_the_end_and_one_that_always_does_is(
    idle: Helpdesk, idle_acme: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(idle.db, idle.events, Hands(idle).turns, idle.outbox, at_once=1)
    real, failures = queue.claim, [ZeroDivisionError(), ZeroDivisionError()]

    async def claim(*arguments: Any) -> list[queue.Claimed]:
        if failures:
            raise failures.pop()
        return await real(*arguments)

    monkeypatch.setattr(worker_module, "AFTER_FAILURE_S", 0.001)
    monkeypatch.setattr(queue, "claim", claim)
    working = asyncio.create_task(worker.run())
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED))
    assert (await finished(idle.db, idle_acme.id, receipt.message_id)).outcome == "answered"
    failures += [ZeroDivisionError() for _ in range(worker_module.MOST_FAILURES)]
    await idle.inbox.receive(from_dana(idle_acme, COVERED))
    with pytest.raises(RuntimeError, match="every step"):
        await asyncio.wait_for(working, 5)


async def test_a_worker_told_to_stop_just_as_work_arrives_stops(idle: Helpdesk) -> None:
    worker = Worker(idle.db, idle.events, Hands(idle).turns, idle.outbox, at_once=1)
    working = asyncio.create_task(worker.run())

    async def idles() -> bool:
        return bool(worker._wake._waiters)  # type: ignore[attr-defined]

    await until(idles)
    worker._wake.set()
    working.cancel()
    done, _ = await asyncio.wait([working], timeout=WITHOUT_A_POLL)
    assert done, "it went on working"
