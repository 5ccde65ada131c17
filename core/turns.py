"""One turn: a claimed message goes through the agent, and what comes of it is committed as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog

from core import outbox, tickets
from core.agent import wording
from core.agent.graph import Agent
from core.agent.policy import leaves_to_people
from core.agent.profile import Profile, profile_of
from core.agent.state import Decision, Outcome, Question, Reading, Utterance
from core.db import Database
from core.events import Event, Events, conversation_topic, message_topic
from core.knowledge.store import Shelf
from core.models import Conversation, Message, Organization, Usage, new_id, now
from core.nlp.sentiment import Sentiment
from core.queue import backoff
from core.tenancy import Scope

HISTORY = 10
MAX_ATTEMPTS = 3
log = structlog.get_logger()

Ended = Literal["answered", "escalated", "silent"]
"""`silent`: a person has the conversation, so nothing was said."""


class LostLease(Exception):
    """Another worker has this message now; whatever we computed is not to be kept."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn knows when it starts."""

    message: Message
    conversation: Conversation
    organization: Organization
    profile: Profile
    history: tuple[Utterance, ...]
    answered_this_month: int


class Turns:
    def __init__(self, db: Database, events: Events, shelf: Shelf, agent: Agent) -> None:
        self._db = db
        self._events = events
        self._shelf = shelf
        self._agent = agent

    async def run(self, organization_id: UUID, message_id: UUID, owner: str) -> None:
        """Works one message that `owner` has claimed; a failure is written to the message, not raised."""
        async with self._db.read(organization_id) as scope:
            context = await _load(scope, message_id)
        reply_id = new_id()
        try:
            await self._commit(context, owner, reply_id, await self._think(context, reply_id))
        except LostLease:
            log.warning("turn.lease_lost", message=str(message_id))
        except Exception as error:
            log.exception("turn.failed", message=str(message_id), attempt=context.message.attempts)
            if context.message.attempts < MAX_ATTEMPTS:
                await self._retry(context, owner, error)
            else:
                await self._commit(context, owner, reply_id, _gave_up(context))

    async def _think(self, context: Context, reply_id: UUID) -> Outcome | None:
        """What the agent makes of it; None while a person has the conversation."""
        if context.conversation.handler == "person":
            return None
        topic = conversation_topic(context.conversation.id)
        self._events.publish(Event(topic, "typing", {}))
        index = await self._shelf.index(context.organization.id, context.organization.knowledge_version)
        limit = context.organization.monthly_answers

        def stream(piece: str) -> None:
            self._events.publish(Event(topic, "chunk", {"message_id": str(reply_id), "text": piece}))

        return await self._agent.run(
            Question(
                text=context.message.text,
                knowledge=index,
                profile=context.profile,
                history=context.history,
                quota_left=limit is None or context.answered_this_month < limit,
                stream=stream,
            )
        )

    async def _commit(self, context: Context, owner: str, reply_id: UUID, outcome: Outcome | None) -> None:
        """Raises `LostLease`, and then nothing has changed."""
        message = context.message
        async with self._db.write(context.organization.id) as scope:
            if outcome and not await _still_the_bots(scope, context, outcome):
                outcome = None
            if outcome is None:
                await tickets.customer_wrote(scope, context.conversation.id)
                ended: Ended = "silent"
            elif outcome.decision.action in ("answer", "courtesy"):
                await self._reply(scope, context, reply_id, outcome)
                ended = "answered"
            else:
                await self._hand_over(scope, context, reply_id, outcome)
                ended = "escalated"
            await _finish(scope, message, owner, ended, outcome)
            await _count(scope, ended)
            scope.after_commit(lambda: self._events.publish(Event(message_topic(message.id), "done", {})))

    async def _reply(self, scope: Scope, context: Context, reply_id: UUID, outcome: Outcome) -> None:
        assert outcome.answer is not None
        await outbox.post(
            scope,
            self._events,
            context.conversation,
            id=reply_id,
            author="ai",
            speaker=context.profile.assistant_name,
            reply_to_id=context.message.id,
            text=outcome.answer.text,
            citations=[citation.as_json() for citation in outcome.answer.citations],
            confidence=outcome.answer.confidence,
        )

    async def _hand_over(self, scope: Scope, context: Context, reply_id: UUID, outcome: Outcome) -> None:
        ticket, opened = await tickets.open_or_join(scope, context.conversation, outcome)
        if outcome.answer and outcome.decision.action == "escalate":
            tickets.offer_draft(scope, ticket, context.message.id, outcome.answer)
        await outbox.post(
            scope,
            self._events,
            context.conversation,
            id=reply_id,
            author="ai",
            speaker=context.profile.assistant_name,
            reply_to_id=context.message.id,
            ticket_id=ticket.id,
            text=wording.handed_over(
                outcome.reading.language,
                ticket.number,
                again=not opened and not leaves_to_people(outcome.decision),
            ),
        )

    async def _retry(self, context: Context, owner: str, error: Exception) -> None:
        async with self._db.write(context.organization.id) as scope:
            await scope.session.execute(
                scope.update(Message)
                .where(Message.id == context.message.id, Message.lease_owner == owner)
                .values(
                    state="queued",
                    lease_owner=None,
                    available_at=now() + backoff(context.message.attempts),
                    error=f"{type(error).__name__}: {error}"[:500],
                )
            )


async def _load(scope: Scope, message_id: UUID) -> Context:
    month = _month()
    row = (
        await scope.session.execute(
            scope.select(Message, Message, Conversation, Organization, Usage.answered)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .join(Organization, Organization.id == Message.organization_id)
            .outerjoin(Usage, (Usage.organization_id == Message.organization_id) & (Usage.month == month))
            .where(Message.id == message_id)
        )
    ).one()
    message, conversation, organization, answered = row
    earlier = await scope.session.execute(
        scope.select(Message, Message.author, Message.text)
        .where(Message.conversation_id == conversation.id, Message.id < message_id)
        .order_by(Message.id.desc())
        .limit(HISTORY)
    )
    history = tuple(Utterance(author, text) for author, text in reversed(earlier.all()))
    return Context(message, conversation, organization, profile_of(organization), history, answered or 0)


async def _still_the_bots(scope: Scope, context: Context, outcome: Outcome) -> bool:
    """Notes the turn on the conversation, unless a person took it over since the turn began."""
    values: dict[str, Any] = {"last_message_at": now(), "frustration": outcome.reading.frustration}
    if leaves_to_people(outcome.decision):
        values |= {"handler": "person", "version": Conversation.version + 1}
    changed: Any = await scope.session.execute(
        scope.update(Conversation)
        .where(
            Conversation.id == context.conversation.id, Conversation.version == context.conversation.version
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)


async def _finish(scope: Scope, message: Message, owner: str, ended: Ended, outcome: Outcome | None) -> None:
    """Raises `LostLease` when the message is no longer ours, which undoes the whole turn."""
    changed: Any = await scope.session.execute(
        scope.update(Message)
        .where(Message.id == message.id, Message.state == "working", Message.lease_owner == owner)
        .values(
            state="done",
            outcome=ended,
            analysis=_analysis(outcome),
            lease_owner=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:
        raise LostLease


def _analysis(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    reading = outcome.reading
    return {
        "sentiment": reading.sentiment.label,
        "frustration": round(reading.frustration, 3),
        "urgency": round(reading.sentiment.urgency, 3),
        "language": reading.language,
        "category": reading.category,
        "confidence": round(outcome.confidence, 4),
        "reason": outcome.decision.reason,
    }


async def _count(scope: Scope, ended: Ended) -> None:
    counts = {"received": 1, "answered": int(ended == "answered"), "escalated": int(ended == "escalated")}
    await scope.session.execute(
        scope.insert(Usage, id=new_id(), created_at=now(), month=_month(), **counts).on_conflict_do_update(
            index_elements=["organization_id", "month"],
            set_={name: getattr(Usage, name) + number for name, number in counts.items()},
        )
    )


def _month() -> str:
    return now().strftime("%Y-%m")


def _gave_up(context: Context) -> Outcome:
    """After the last failed try: a person, with the reason."""
    reading = Reading(
        sentiment=Sentiment("neutral", {"negative": 0.0, "neutral": 1.0, "positive": 0.0}, 0.0, 0.0),
        frustration=context.conversation.frustration,
        language=context.profile.language,
    )
    return Outcome(Decision("escalate", "error"), reading, answer=None, confidence=0.0)
