"""Live events: what happens in a conversation, for whoever is watching just now.

Events carry no promise. Everything that matters is in the database, and a watcher who missed some
(`LAGGED`, or a restart) reads it there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

import asyncpg
import orjson
import structlog

JsonObject = dict[str, Any]
LAGGED = "lagged"
QUEUE_LENGTH = 256
RECONNECT_SECONDS = 2.0
CLOSE_SECONDS = 2.0
WORK = "work"
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = structlog.get_logger()


def conversation_topic(conversation_id: UUID) -> str:
    return f"conversation:{conversation_id}"


def message_topic(message_id: UUID) -> str:
    return f"message:{message_id}"


@dataclass(frozen=True, slots=True)
class Event:
    topic: str
    kind: str
    data: JsonObject


def work_arrived(kind: Literal["message", "delivery"], conversation_id: UUID, channel_id: UUID) -> Event:
    """Wakes the workers."""
    return Event(WORK, kind, {"conversation": str(conversation_id), "channel": str(channel_id)})


class Subscription:
    """Events of one topic in order. A reader too slow for them gets one `LAGGED` instead of what it missed."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LENGTH)

    def put(self, event: Event) -> None:
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            event = Event(event.topic, LAGGED, {})
        self._queue.put_nowait(event)

    async def get(self) -> Event:
        return await self._queue.get()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self._queue.get()


class Events(Protocol):
    def publish(self, event: Event) -> None: ...

    def subscribe(self, topic: str) -> Any: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class LocalEvents:
    """Within one process."""

    def __init__(self) -> None:
        self._subscribers: dict[str, set[Subscription]] = defaultdict(set)

    def publish(self, event: Event) -> None:
        for subscription in tuple(self._subscribers.get(event.topic, ())):
            subscription.put(event)

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription]:
        subscription = Subscription()
        self._subscribers[topic].add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers[topic].discard(subscription)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


class PostgresEvents(LocalEvents):
    """Between the processes of one PostgreSQL database, by LISTEN and NOTIFY.

    A notification holds less than 8,000 bytes (postgresql.org/docs/current/sql-notify.html); of a larger
    event the others learn only that they lag behind.
    """

    CHANNEL = "deskhand"
    LIMIT = 7_900

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(10_000)
        self._unsent = ""
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    def publish(self, event: Event) -> None:
        payload = orjson.dumps([event.topic, event.kind, event.data])
        if len(payload) > self.LIMIT:
            payload = orjson.dumps([event.topic, LAGGED, {}])
        try:
            self._outgoing.put_nowait(payload.decode())
        except asyncio.QueueFull:
            log.warning("events.dropped", topic=event.topic, kind=event.kind)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(), name="events")]

    async def close(self) -> None:
        """Sends what is still to be sent, if it takes no longer than `CLOSE_SECONDS`."""
        self._closing = True
        self._hang_up(None)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._talk(await asyncpg.connect(self._dsn))
            except LOST as error:
                log.warning("events.reconnecting", reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _talk(self, connection: asyncpg.Connection) -> None:
        """Sends and hears until the connection is lost."""
        connection.add_termination_listener(self._hang_up)
        try:
            await connection.add_listener(self.CHANNEL, self._received)
            self._everyone_lags()
            while True:
                self._unsent = self._unsent or await self._outgoing.get()
                if connection.is_closed():
                    raise ConnectionResetError("the server closed the connection")
                if self._unsent:
                    await connection.execute("SELECT pg_notify($1, $2)", self.CHANNEL, self._unsent)
                    self._unsent = ""
                elif self._closing:
                    return
        finally:
            with suppress(*LOST):
                await connection.close(timeout=CLOSE_SECONDS)

    def _hang_up(self, _connection: Any) -> None:
        """Whoever has nothing to send would not notice that there is nothing to hear any more."""
        with suppress(asyncio.QueueFull):
            self._outgoing.put_nowait("")

    def _received(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        topic, kind, data = orjson.loads(str(payload))
        super().publish(Event(topic, kind, data))

    def _everyone_lags(self) -> None:
        for topic in tuple(self._subscribers):
            super().publish(Event(topic, LAGGED, {}))
