"""Takes what is queued, messages and deliveries, and works different conversations side by side."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from core import queue
from core.db import UNAVAILABLE, Database
from core.events import WORK, Event, Events
from core.models import Delivery, Message, now
from core.outbox import Outbox
from core.turns import Turns

POLL_SECONDS = 5.0
RENEW_SECONDS = 20.0
DRAIN_SECONDS = 10.0
MOST_FAILURES = 5
AFTER_FAILURE_S = 0.2
log = structlog.get_logger()

Line = tuple[UUID, UUID]
"""A conversation and a channel: what is worked one after another."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the two queues, and what is done with a row of it."""

    kind: str
    """Of the events that tell of new rows."""
    model: queue.Table
    work: Callable[[UUID, UUID, str], Awaitable[None]]


class Worker:
    """At most `at_once` messages and as many deliveries are in work at a time."""

    def __init__(self, db: Database, events: Events, turns: Turns, outbox: Outbox, at_once: int) -> None:
        self._db = db
        self._events = events
        self._at_once = at_once
        self._owner = secrets.token_hex(8)
        self._lanes = (Lane("message", Message, turns.run), Lane("delivery", Delivery, outbox.deliver))
        self._working: dict[queue.Table, dict[UUID, Line]] = {lane.model: {} for lane in self._lanes}
        """The rows in work and their lines."""
        self._waiting: set[tuple[queue.Table, Line]] = set()
        """Lines in work that have something more to do afterwards."""
        self._heard: set[tuple[queue.Table, Line]] = set()
        """Lines that something arrived for while rows were being claimed."""
        self._stale: set[queue.Table] = set()
        """Queues that may have something to claim; the other one was looked at, and nothing has happened since."""
        self._due: dict[queue.Table, datetime | None] = {}
        """When something of a queue becomes due by itself, as it was when the queue was looked at."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Works until cancelled, then lets what is in work finish for a few seconds."""
        helpers = [
            asyncio.create_task(self._listen(), name="worker-listen"),
            asyncio.create_task(self._renew(), name="worker-renew"),
        ]
        try:
            await self._recover(everything=self._db.embedded)
            self._look_everywhere()
            failures = 0
            while True:
                failures = 0 if await self._stepped() else failures + 1
                if failures == MOST_FAILURES:
                    raise RuntimeError("the worker fails at every step")  # the process ends, and is started again
                await asyncio.sleep(failures * AFTER_FAILURE_S)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _stepped(self) -> bool:
        """What one step meets, the next may not: a connection that was cut at an odd moment."""
        try:
            await self._step()
        except Exception:
            log.exception("worker.step_failed")
            self._look_everywhere()
            return False
        return True

    async def _step(self) -> None:
        self._wake.clear()
        looked = [lane for lane in self._lanes if lane.model in self._stale]
        self._stale.clear()
        moment = now()
        try:
            if await self._claim(looked):
                self._stale.update(lane.model for lane in looked)
                return
            due_in = await self._idle_seconds(looked, moment)
        except UNAVAILABLE as error:
            log.warning("worker.database_unavailable", reason=str(error))
            due_in = POLL_SECONDS
            self._look_everywhere()
        try:
            async with asyncio.timeout(due_in):  # wait_for() may lose a cancellation that comes with a wake-up
                await self._wake.wait()
        except TimeoutError:
            self._look_everywhere()

    async def _claim(self, looked: list[Lane]) -> bool:
        """Starts what may be started. True if there may be more."""
        free = {lane.model: self._at_once - len(self._working[lane.model]) for lane in looked}
        wanted = [lane for lane in looked if free[lane.model]]
        if not wanted:
            return False
        self._heard.clear()
        async with self._db.system(write=True) as scope:
            claimed = [(lane, await queue.claim(scope, lane.model, self._owner, free[lane.model])) for lane in wanted]
        for lane, rows in claimed:
            for row in rows:
                self._start(lane, row)
        return any(len(rows) == free[lane.model] for lane, rows in claimed)

    def _start(self, lane: Lane, row: queue.Claimed) -> None:
        line = (row.conversation_id, row.channel_id)
        key = (lane.model, line)
        self._working[lane.model][row.id] = line
        if row.more or key in self._heard:
            self._waiting.add(key)
        task = asyncio.create_task(self._work(lane, row.organization_id, row.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: Lane, organization_id: UUID, row_id: UUID) -> None:
        try:
            await lane.work(organization_id, row_id, self._owner)
        except Exception:
            log.exception("worker.failed", table=lane.model.__tablename__, id=str(row_id))
        finally:
            was_full = len(self._working[lane.model]) == self._at_once
            line = self._working[lane.model].pop(row_id)
            if was_full or (lane.model, line) in self._waiting:
                self._waiting.discard((lane.model, line))
                self._look_at(lane)

    def _look_at(self, lane: Lane) -> None:
        self._stale.add(lane.model)
        self._wake.set()

    def _look_everywhere(self) -> None:
        self._stale.update(lane.model for lane in self._lanes)

    async def _idle_seconds(self, looked: list[Lane], since: datetime) -> float:
        """How long nothing can become due by itself; a wake-up ends the wait earlier."""
        async with self._db.system() as scope:
            for lane in looked:  # what the others wait for is known
                self._due[lane.model] = await queue.next_due(scope, lane.model, since)
        soonest = min(filter(None, self._due.values()), default=None)
        if soonest is None:
            return POLL_SECONDS
        return min(max((soonest - now()).total_seconds(), 0.05), POLL_SECONDS)

    async def _listen(self) -> None:
        with self._events.subscribe(WORK) as subscription:
            async for event in subscription:
                self._arrived(event)

    def _arrived(self, event: Event) -> None:
        """Something to do; or, if its line is in work, something to do after that."""
        for lane in self._lanes:
            if lane.kind == event.kind:
                line = (UUID(event.data["conversation"]), UUID(event.data["channel"]))
                if line in self._working[lane.model].values():
                    self._waiting.add((lane.model, line))
                    return
                self._heard.add((lane.model, line))
                self._look_at(lane)

    async def _recover(self, *, everything: bool) -> None:
        async with self._db.system(write=True) as scope:
            for lane in self._lanes:
                freed = await queue.release_expired(scope, lane.model, all_leases=everything)
                if freed:
                    log.warning("worker.recovered", table=lane.model.__tablename__, rows=freed)

    async def _renew(self) -> None:
        """Keeps the leases of slow work, and takes over from workers that died."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with self._db.system(write=True) as scope:
                    for lane in self._lanes:
                        if ids := list(self._working[lane.model]):
                            await queue.renew(scope, lane.model, self._owner, ids)
                await self._recover(everything=False)
            except UNAVAILABLE as error:
                log.warning("worker.database_unavailable", reason=str(error))
