"""The parts of a running helpdesk, put together once a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.agent.graph import Agent
from core.agent.llm import AnswerModel, OpenAICompatible
from core.db import Database
from core.events import Events, LocalEvents, PostgresEvents
from core.inbox import Inbox
from core.knowledge.store import Shelf
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import Outbox, Sender
from core.secrets import SecretBox
from core.settings import Settings
from core.turns import Turns
from core.worker import Worker


@dataclass(frozen=True, slots=True)
class Helpdesk:
    settings: Settings
    db: Database
    events: Events
    encoder: Encoder
    shelf: Shelf
    agent: Agent
    inbox: Inbox
    outbox: Outbox
    worker: Worker
    box: SecretBox

    @classmethod
    def build(cls, settings: Settings, senders: Mapping[str, Sender]) -> Helpdesk:
        db = Database(settings.url)
        events = LocalEvents() if settings.embedded else PostgresEvents(_dsn(settings))
        encoder = Encoder(settings.encoder_sessions)
        shelf = Shelf(db)
        model: AnswerModel | None = OpenAICompatible(settings) if settings.llm_model else None
        agent = Agent(encoder, SentimentModel(), model)
        outbox = Outbox(db, events, senders)
        turns = Turns(db, events, shelf, agent, outbox)
        return cls(
            settings=settings,
            db=db,
            events=events,
            encoder=encoder,
            shelf=shelf,
            agent=agent,
            inbox=Inbox(db, events),
            outbox=outbox,
            worker=Worker(db, events, turns, outbox, settings.turns_at_once),
            box=SecretBox(settings.key()),
        )

    async def start(self) -> None:
        await self.events.start()

    async def close(self) -> None:
        await self.events.close()
        self.encoder.close()
        await self.db.close()


def _dsn(settings: Settings) -> str:
    return settings.url.set(drivername="postgresql").render_as_string(hide_password=False)
