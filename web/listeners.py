"""Listening to the outside for channels that do not call us: one coroutine a channel, in one process at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from core import channels
from core.db import UNAVAILABLE
from core.events import Subscription
from core.helpdesk import Helpdesk
from core.models import Channel
from core.outbox import DeliveryError
from core.queue import backoff
from web.channels import KINDS, Kind

LOOK_SECONDS = 5.0
"""How often channels are looked through; well within `channels.LEASE`."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Listening:
    task: asyncio.Task[None]
    told: tuple[object, ...]
    """What the channel was like when listening began: a changed one is begun anew."""


class Listeners:
    def __init__(self, helpdesk: Helpdesk, kinds: Mapping[str, Kind] = KINDS) -> None:
        self._helpdesk = helpdesk
        self._kinds = {name: kind for name, kind in kinds.items() if kind.listen}
        self._owner = secrets.token_hex(8)
        self._running: dict[UUID, _Listening] = {}

    async def run(self) -> None:
        """Until cancelled; then everything is given back for another process."""
        if not self._kinds:
            return
        if self._helpdesk.db.embedded:
            await channels.release(self._helpdesk.db)
        try:
            with self._helpdesk.events.subscribe(channels.CHANNELS) as changes:
                while True:
                    await self._look()
                    await _wait(changes)
        finally:
            await self._stop(*self._running)
            with suppress(*UNAVAILABLE):
                await channels.release(self._helpdesk.db, self._owner)

    async def _look(self) -> None:
        """Begins, keeps and ends what has to be."""
        try:
            connected = await channels.connected(self._helpdesk.db, list(self._kinds))
            wanted = {channel.id: channel for channel in connected}
            await self._stop(*(known for known in self._running if self._outdated(known, wanted.get(known))))
            for channel in connected:
                if not await channels.lease(self._helpdesk.db, channel.id, self._owner):
                    await self._stop(channel.id)
                elif channel.id not in self._running:
                    self._start(channel)
        except UNAVAILABLE as error:
            log.warning("listeners.database_unavailable", reason=str(error))

    def _outdated(self, channel_id: UUID, channel: Channel | None) -> bool:
        return channel is None or self._running[channel_id].told != _told(channel)

    def _start(self, channel: Channel) -> None:
        task = asyncio.create_task(self._keep_listening(channel), name=f"listen-{channel.kind}-{channel.id}")
        self._running[channel.id] = _Listening(task, _told(channel))

    async def _stop(self, *channel_ids: UUID) -> None:
        tasks = [self._running.pop(known).task for known in channel_ids if known in self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_listening(self, channel: Channel) -> None:
        failures = 0
        db = self._helpdesk.db

        async def healthy() -> None:
            nonlocal failures
            failures = 0
            await channels.report(db, channel, None)

        listen = self._kinds[channel.kind].listen
        assert listen is not None
        while True:
            try:
                return await listen(self._helpdesk, channel, healthy)
            except DeliveryError as error:
                failure = error
            except Exception as error:
                log.exception("listener.broke", kind=channel.kind, channel=str(channel.id))
                failure = DeliveryError(f"{type(error).__name__}: {error}"[:500], permanent=False)
            failures += 1
            if await self._gave_up(channel, failure):
                return None
            await asyncio.sleep(backoff(failures).total_seconds())

    async def _gave_up(self, channel: Channel, failure: DeliveryError) -> bool:
        """Writes down what went wrong; says whether only an admin can mend it."""
        log.warning("listener.failed", kind=channel.kind, channel=str(channel.id), reason=failure.detail)
        try:
            await channels.report(self._helpdesk.db, channel, failure.detail)
            if failure.channel_broken:
                async with self._helpdesk.db.write(channel.organization_id) as scope:
                    await self._helpdesk.channels.switch_off(scope, channel.id, failure.detail)
        except UNAVAILABLE as error:
            log.warning("listeners.database_unavailable", reason=str(error))
            return False
        return failure.channel_broken


@asynccontextmanager
async def listening(helpdesk: Helpdesk, kinds: Mapping[str, Kind] = KINDS) -> AsyncIterator[None]:
    """Listens for every channel that wants it, until the block ends."""
    task = asyncio.create_task(Listeners(helpdesk, kinds).run(), name="listeners")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _wait(changes: Subscription) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            await changes.get()


def _told(channel: Channel) -> tuple[object, ...]:
    return (channel.name, channel.settings, channel.sealed_secrets, channel.public_key)
