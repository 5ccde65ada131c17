"""The parts of a running helpdesk, put together once a process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import structlog
from threadpoolctl import threadpool_limits

from core.agent.graph import Agent
from core.agent.llm import AnswerModel, OpenAICompatible
from core.agent.profile import Profile
from core.agent.state import Question
from core.categories import Categorizers
from core.channels import Channels
from core.db import Database
from core.events import Events, LocalEvents, PostgresEvents
from core.inbox import Inbox
from core.knowledge.index import KnowledgeIndex
from core.knowledge.store import Shelf
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import Connected, Outbox
from core.redrafts import Redrafts
from core.schedule import Schedule
from core.secrets import SecretBox
from core.settings import Settings
from core.turns import Turns
from core.worker import Worker

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What connectors are built from."""

    settings: Settings
    db: Database
    box: SecretBox
    events: Events


def nothing_connected(_: Parts) -> Connected:
    return Connected()


@dataclass(frozen=True, slots=True)
class Helpdesk:
    settings: Settings
    db: Database
    events: Events
    connected: Connected
    encoder: Encoder
    shelf: Shelf
    categorizers: Categorizers
    agent: Agent
    inbox: Inbox
    outbox: Outbox
    turns: Turns
    redrafts: Redrafts
    worker: Worker
    box: SecretBox
    channels: Channels
    schedule: Schedule
    owned_encoder: Encoder | None
    owned_model: OpenAICompatible | None

    @classmethod
    def build(
        cls,
        settings: Settings,
        connect: Callable[[Parts], Connected] = nothing_connected,
        *,
        encoder: Encoder | None = None,
        sentiment: SentimentModel | None = None,
        model: AnswerModel | None = None,
    ) -> Helpdesk:
        """Models given are the caller's and stay open; those not given are made as the settings say."""
        # Of matrices as small as ours two threads make 8 ms of CPU where one needs 0.7.
        threadpool_limits(1, user_api="blas")
        db = Database(settings.url)
        events = LocalEvents() if settings.embedded else PostgresEvents(_dsn(settings))
        own_encoder = None if encoder else Encoder(settings.encoder_sessions)
        encoder = encoder or own_encoder
        assert encoder is not None
        shelf = Shelf(db, encoder)
        categorizers = Categorizers(db, encoder)
        own_model = OpenAICompatible(settings) if model is None and settings.llm_model else None
        agent = Agent(encoder, sentiment or SentimentModel(), model or own_model)
        box = SecretBox(settings.key())
        connected = connect(Parts(settings, db, box, events))
        outbox = Outbox(db, events, connected)
        turns = Turns(db, events, shelf, categorizers, agent, outbox)
        return cls(
            settings=settings,
            db=db,
            events=events,
            connected=connected,
            encoder=encoder,
            shelf=shelf,
            categorizers=categorizers,
            agent=agent,
            inbox=Inbox(db, events, outbox),
            outbox=outbox,
            turns=turns,
            redrafts=Redrafts(db, turns, outbox),
            worker=Worker(db, events, turns, outbox, settings.turns_at_once),
            box=box,
            channels=Channels(box, events),
            schedule=Schedule(db, outbox, connected),
            owned_encoder=own_encoder,
            owned_model=own_model,
        )

    async def warm_up(self) -> None:
        """Loads what is loaded at first use, so that the first customer does not wait for it."""
        await self.agent.run(Question("Hello?", KnowledgeIndex([]), Profile()))

    @asynccontextmanager
    async def running(self, *, work: bool = True) -> AsyncIterator[None]:
        """Live events, and the worker and what goes by the clock if this process is to `work`, until the block ends."""
        await self.events.start()
        worker = asyncio.create_task(self.worker.run(), name="worker") if work else None
        if worker:
            worker.add_done_callback(_worker_ended)
        try:
            async with self.schedule.running() if work else nullcontext():
                yield
        finally:
            if worker:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
            await self.connected.aclose()
            await self.events.close()
            if self.owned_encoder:
                self.owned_encoder.close()
            if self.owned_model:
                await self.owned_model.aclose()
            await self.db.close()


def _worker_ended(worker: asyncio.Task[None]) -> None:
    """A helpdesk whose worker died must not go on accepting: the process ends, and is started again."""
    if not worker.cancelled() and worker.exception():
        log.critical("worker.ended", exc_info=worker.exception())
        signal.raise_signal(signal.SIGTERM)


def _dsn(settings: Settings) -> str:
    return settings.url.set(drivername="postgresql").render_as_string(hide_password=False)
