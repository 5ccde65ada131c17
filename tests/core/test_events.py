from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from core import events as events_module
from core.events import LAGGED, QUEUE_LENGTH, Event, LocalEvents, PostgresEvents, Subscription, conversation_topic
from core.settings import Settings
from tests.waiting import until

LISTENERS = "FROM pg_stat_activity WHERE query LIKE '%LISTEN%' AND pid <> pg_backend_pid()"
HANG_UP = f"SELECT pg_terminate_backend(pid) {LISTENERS}"
TOPIC = conversation_topic(uuid4())


def event(number: int, topic: str = TOPIC) -> Event:
    return Event(topic, "message", {"number": number})


async def heard(subscription: Subscription) -> Event:
    """The next event that says more than that some were missed."""
    while (found := await asyncio.wait_for(subscription.get(), 5)).kind == LAGGED:
        pass
    return found


async def test_watchers_hear_their_topic_in_order_and_nothing_else() -> None:
    events = LocalEvents()
    with events.subscribe(TOPIC) as one, events.subscribe(TOPIC) as two, events.subscribe("other") as other:
        for number in range(3):
            events.publish(event(number))
        events.publish(event(9, "other"))
        assert [await heard(one) for _ in range(3)] == [await heard(two) for _ in range(3)] == [*map(event, range(3))]
        assert await heard(other) == event(9, "other")


async def test_who_stopped_watching_is_forgotten() -> None:
    events = LocalEvents()
    with events.subscribe(TOPIC):
        pass
    events.publish(event(1))
    assert not events._subscribers


async def test_a_slow_reader_learns_that_it_missed_something_and_goes_on_from_there() -> None:
    events = LocalEvents()
    with events.subscribe(TOPIC) as slow:
        for number in range(QUEUE_LENGTH + 5):
            events.publish(event(number))
        assert (await slow.get()).kind == LAGGED
        assert [await slow.get() for _ in range(4)] == [event(QUEUE_LENGTH + n) for n in range(1, 5)]


async def test_a_full_reader_does_not_hold_up_the_others() -> None:
    events = LocalEvents()
    with events.subscribe(TOPIC), events.subscribe(TOPIC) as quick:
        for number in range(QUEUE_LENGTH * 2):
            events.publish(event(number))
            assert await heard(quick) == event(number)


@pytest_asyncio.fixture
async def processes(postgres_settings: Settings) -> AsyncIterator[tuple[PostgresEvents, PostgresEvents]]:
    """Two, on one database."""
    dsn = postgres_settings.url.set(drivername="postgresql").render_as_string(hide_password=False)
    both = PostgresEvents(dsn), PostgresEvents(dsn)
    for process in both:
        with process.subscribe("ready") as ready:
            await process.start()
            await asyncio.wait_for(ready.get(), 5)  # LAGGED: it listens now
    yield both
    for process in both:
        await process.close()


@pytest.mark.postgresql
async def test_processes_hear_each_other(processes: tuple[PostgresEvents, PostgresEvents]) -> None:
    one, two = processes
    with one.subscribe(TOPIC) as own, two.subscribe(TOPIC) as other, two.subscribe("elsewhere") as elsewhere:
        for number in range(20):
            one.publish(event(number))
        two.publish(event(99, "elsewhere"))
        assert [(await heard(other)) for _ in range(20)] == [*map(event, range(20))]
        assert [(await heard(own)) for _ in range(20)] == [*map(event, range(20))]
        assert await heard(elsewhere) == event(99, "elsewhere")


@pytest.mark.postgresql
@pytest.mark.parametrize("letter", ["x", "ü", "😀", "\x00", '"'], ids=["ascii", "latin", "emoji", "NUL", "quote"])
async def test_an_event_of_any_size_is_told_or_known_to_be_missing(
    processes: tuple[PostgresEvents, PostgresEvents], letter: str
) -> None:
    one, two = processes
    with two.subscribe(TOPIC) as watching:
        for size in (10, 1_200, 7_700, 8_000, 60_000):
            large = Event(TOPIC, "message", {"text": letter * size})
            one.publish(large)
            found = await asyncio.wait_for(watching.get(), 5)
            assert found == large or (found.kind == LAGGED and size > 1_200)
        one.publish(event(1))
        assert await heard(watching) == event(1)


@pytest.mark.postgresql
async def test_a_lost_connection_is_noticed_while_nothing_is_sent(
    processes: tuple[PostgresEvents, PostgresEvents], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "RECONNECT_SECONDS", 0.05)
    one, two = processes
    with two.subscribe(TOPIC) as watching:
        admin = await asyncpg.connect(f"{postgres_url}/postgres")
        await admin.execute(HANG_UP)
        assert (await asyncio.wait_for(watching.get(), 5)).kind == LAGGED
        one.publish(event(1))
        assert await heard(watching) == event(1)
        await admin.close()


@pytest.mark.postgresql
async def test_an_event_published_while_the_connection_is_lost_arrives_later(
    processes: tuple[PostgresEvents, PostgresEvents], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "RECONNECT_SECONDS", 0.2)
    one, two = processes
    admin = await asyncpg.connect(f"{postgres_url}/postgres")

    async def listening() -> bool:
        return bool(await admin.fetchval(f"SELECT count(*) = 2 {LISTENERS}"))

    with two.subscribe(TOPIC) as watching:
        await admin.execute(HANG_UP)
        assert (await asyncio.wait_for(watching.get(), 5)).kind == LAGGED
        await until(listening)
        one.publish(event(1))
        one.publish(event(2))
        assert [await heard(watching), await heard(watching)] == [event(1), event(2)]
    await admin.close()


@pytest.mark.postgresql
async def test_closing_sends_what_was_published_before(processes: tuple[PostgresEvents, PostgresEvents]) -> None:
    one, two = processes
    with two.subscribe(TOPIC) as watching:
        for number in range(50):
            one.publish(event(number))
        await one.close()
        assert [await heard(watching) for _ in range(50)] == [*map(event, range(50))]


async def test_closing_does_not_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "CLOSE_SECONDS", 0.05)
    away = PostgresEvents("postgresql://nobody@127.0.0.1:1/nothing")
    await away.start()
    away.publish(event(1))
    await asyncio.wait_for(away.close(), 1)
    await PostgresEvents("postgresql://nobody@127.0.0.1:1/nothing").close()
