"""One turn: a claimed message goes through the agent, and what comes of it is committed as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import tickets
from core.agent import wording
from core.agent.graph import Agent
from core.agent.policy import leaves_to_people
from core.agent.profile import Profile, calibrated, profile_of, spoken_with
from core.agent.state import REPLIES, Answer, Decision, Outcome, Question, Reading, Utterance
from core.calibration import recalibration_of
from core.categories import Categorizers
from core.db import Database
from core.events import Event, Events, conversation_topic, message_topic, work_arrived
from core.knowledge.store import Shelf
from core.messages import subject_of, without_quote
from core.models import Channel, Conversation, Customer, Message, Organization, Usage, new_id, now
from core.nlp.sentiment import Sentiment
from core.outbox import NewMessage, Outbox, Place
from core.queue import backoff
from core.tenancy import Scope, ours

HISTORY = 10
MAX_ATTEMPTS = 3
MOST_CLAIMS = 6
log = structlog.get_logger()

Ended = Literal["answered", "escalated", "silent"]
"""`silent`: a person has the conversation, so nothing was said."""

LOAD = (
    select(
        Message.text,
        Message.attempts,
        Message.conversation_id,
        Message.channel_id,
        Channel.kind.label("channel_kind"),
        Conversation.handler,
        Conversation.version,
        Conversation.subject,
        Conversation.frustration,
        Organization.name,
        Organization.settings,
        Organization.knowledge_version,
        Organization.categories_version,
        Organization.calibration,
        Organization.monthly_answers,
        Customer.language,
        Customer.blocked_at,
        Usage.answered,
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(Customer, Customer.id == Conversation.customer_id)
    .join(Channel, Channel.id == Message.channel_id)
    .join(Organization, Organization.id == Message.organization_id)
    .outerjoin(Usage, (Usage.organization_id == Message.organization_id) & (Usage.month == bindparam("month")))
    .where(Message.organization_id == ours(), Message.id == bindparam("message_id"))
)
EARLIER = (
    select(Message.author, Message.text, Message.analysis)
    .where(
        Message.organization_id == ours(),
        Message.conversation_id == bindparam("conversation_id"),
        Message.id < bindparam("message_id"),
        Message.retracted_at.is_(None),
    )
    .order_by(Message.id.desc())
    .limit(HISTORY)
)
BEGAN = (
    select(Message.text)
    .where(
        Message.organization_id == ours(),
        Message.conversation_id == bindparam("conversation_id"),
        Message.author == "customer",
    )
    .order_by(Message.id)
    .limit(HISTORY)
)
NOTE_TURN = update(Conversation).where(
    Conversation.organization_id == ours(),
    Conversation.id == bindparam("conversation"),
    Conversation.version == bindparam("seen_version"),
)
MOVE_UP = update(Conversation).where(
    Conversation.organization_id == ours(), Conversation.id == bindparam("conversation")
)
FINISH = update(Message).where(
    Message.organization_id == ours(),
    Message.id == bindparam("message"),
    Message.state == "working",
    Message.lease_owner == bindparam("owner"),
)


@cache
def _count_usage(dialect: str) -> Any:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    counted = ("received", "answered", "escalated")
    statement: Any = build(Usage)
    return statement.on_conflict_do_update(
        index_elements=["organization_id", "month"],
        set_={name: getattr(Usage, name) + getattr(statement.excluded, name) for name in counted},
    )


class LostLease(Exception):
    """Another worker has this message now; whatever we computed is not to be kept."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn knows when it starts."""

    organization_id: UUID
    message_id: UUID
    text: str
    attempts: int
    place: Place
    handler: str
    blocked: bool
    """Whoever wrote it is to get no answer, and to make nobody work."""
    version: int
    """Of the conversation: it changes when a person takes over."""
    subject: str
    frustration: float
    profile: Profile
    knowledge_version: int
    categories_version: int
    quota_left: bool
    history: tuple[Utterance, ...]


class Turns:
    def __init__(
        self, db: Database, events: Events, shelf: Shelf, categorizers: Categorizers, agent: Agent, outbox: Outbox
    ) -> None:
        self._db = db
        self._events = events
        self._shelf = shelf
        self._categorizers = categorizers
        self._agent = agent
        self._outbox = outbox

    async def run(self, organization_id: UUID, message_id: UUID, owner: str) -> None:
        """Works one message that `owner` has claimed; a failure is written to the message, not raised."""
        async with self._db.read(organization_id) as scope:
            context = await _load(scope, message_id)
        reply_id = new_id()
        try:
            # So many tries that ended without a word took their process with them, and this one might too.
            poisonous = context.attempts > MOST_CLAIMS and not context.blocked
            outcome = _gave_up(context) if poisonous else await self._think(context, reply_id)
            newer = await self._in_place_of_a_draft(context) if outcome is None else None
            await self._commit(context, owner, reply_id, outcome, newer)
        except LostLease:
            log.warning("turn.lease_lost", message=str(message_id))
        except Exception as error:
            log.exception("turn.failed", message=str(message_id), attempt=context.attempts)
            if context.attempts < MAX_ATTEMPTS:
                await self._retry(context, owner, error)
            else:
                await self._commit(context, owner, reply_id, _gave_up(context))

    async def think_again(self, organization_id: UUID, message_id: UUID, without: frozenset[str]) -> Outcome:
        """What the agent makes of a message now, without the named articles. Nothing is stored or sent."""
        async with self._db.read(organization_id) as scope:
            context = await _load(scope, message_id)
        return await self._agent.run(replace(await self._question(context), without=without))

    async def _think(self, context: Context, reply_id: UUID) -> Outcome | None:
        """What the agent makes of it; None while a person has the conversation, or the sender is blocked."""
        if context.handler == "person" or context.blocked:
            return None
        topic = conversation_topic(context.place.conversation_id)
        self._events.publish(Event(topic, "typing", {}))

        def stream(piece: str) -> None:
            self._events.publish(Event(topic, "chunk", {"message_id": str(reply_id), "text": piece}))

        return await self._agent.run(replace(await self._question(context), stream=stream))

    async def _in_place_of_a_draft(self, context: Context) -> Answer | None:
        """For a person who has a draft before them, which this message makes worthless."""
        async with self._db.read(context.organization_id) as scope:
            waits = await tickets.has_draft(scope, context.place.conversation_id, context.message_id)
        if context.blocked or not waits:
            return None
        outcome = await self._agent.run(await self._question(context))
        return None if outcome.decision.action == "courtesy" else outcome.answer

    async def _question(self, context: Context) -> Question:
        text, quote = without_quote(context.text)
        return Question(
            text=text,
            quote=quote,
            knowledge=await self._shelf.index(context.organization_id, context.knowledge_version),
            categories=await self._categorizers.of(context.organization_id, context.categories_version),
            profile=context.profile,
            history=context.history,
            quota_left=context.quota_left,
        )

    async def _commit(
        self, context: Context, owner: str, reply_id: UUID, outcome: Outcome | None, newer: Answer | None = None
    ) -> None:
        """`newer`: a draft for the person who has the conversation. Raises `LostLease`: then nothing has changed."""
        async with self._db.write(context.organization_id) as scope:
            if outcome and not await _still_the_bots(scope, context, outcome):
                outcome = None
            if outcome is None:
                await self._leave_to_people(scope, context, newer)
                await scope.run(MOVE_UP, conversation=context.place.conversation_id, last_message_at=now())
                ended: Ended = "silent"
            elif outcome.decision.action in REPLIES:
                await self._reply(scope, context, reply_id, outcome)
                ended = "answered"
            else:
                await self._hand_over(scope, context, reply_id, outcome)
                ended = "escalated"
            await _finish(scope, context, owner, ended, outcome)
        self._events.publish(Event(message_topic(context.message_id), "done", {}))

    async def _reply(self, scope: Scope, context: Context, reply_id: UUID, outcome: Outcome) -> None:
        assert outcome.answer is not None
        reply = NewMessage(
            id=reply_id,
            author="ai",
            speaker=context.profile.assistant_name,
            reply_to_id=context.message_id,
            text=outcome.answer.text,
            citations=outcome.answer.citations,
            confidence=outcome.answer.confidence,
        )
        await self._outbox.post(scope, context.place, reply)

    async def _hand_over(self, scope: Scope, context: Context, reply_id: UUID, outcome: Outcome) -> None:
        ticket, opened = await tickets.open_or_join(
            scope,
            context.place.conversation_id,
            context.message_id,
            await _subject(scope, context),
            outcome,
            context.profile.service,
        )
        if outcome.answer and outcome.decision.action == "escalate":
            tickets.offer_draft(scope, ticket, context.message_id, outcome.answer)
        again = not opened and not leaves_to_people(outcome.decision)
        notice = NewMessage(
            id=reply_id,
            author="ai",
            speaker=context.profile.assistant_name,
            reply_to_id=context.message_id,
            ticket_id=ticket.id,
            ticket_number=ticket.number,
            kind="handover",
            text=wording.handed_over(outcome.reading.language, ticket.number, again=again),
        )
        await self._outbox.post(scope, context.place, notice)
        await self._outbox.tell_desks(scope, ticket)

    async def _leave_to_people(self, scope: Scope, context: Context, newer: Answer | None) -> None:
        if context.blocked:
            return
        service = context.profile.service
        ticket = await tickets.customer_wrote(scope, context.place.conversation_id, context.message_id, service)
        if ticket:
            if newer:
                tickets.offer_draft(scope, ticket, context.message_id, newer)
            await self._outbox.tell_desks(scope, ticket)

    async def _retry(self, context: Context, owner: str, error: Exception) -> None:
        async with self._db.write(context.organization_id) as scope:
            await scope.session.execute(
                scope.update(Message)
                .where(Message.id == context.message_id, Message.lease_owner == owner)
                .values(
                    state="queued",
                    lease_owner=None,
                    available_at=now() + backoff(context.attempts),
                    error=f"{type(error).__name__}: {error}"[:500],
                )
            )
            place = context.place
            arrived = work_arrived("message", place.conversation_id, place.channel_id)
            scope.after_commit(lambda: self._events.publish(arrived))  # so that the worker notes when it is due


async def _load(scope: Scope, message_id: UUID) -> Context:
    row = (await scope.run(LOAD, message_id=message_id, month=_month())).one()
    earlier = await scope.run(EARLIER, conversation_id=row.conversation_id, message_id=message_id)
    return Context(
        organization_id=scope.organization_id,
        message_id=message_id,
        text=row.text,
        attempts=row.attempts,
        place=Place(row.conversation_id, row.channel_id, row.channel_kind),
        handler=row.handler,
        blocked=row.blocked_at is not None,
        version=row.version,
        subject=row.subject,
        frustration=row.frustration,
        profile=_profile(row),
        knowledge_version=row.knowledge_version,
        categories_version=row.categories_version,
        quota_left=row.monthly_answers is None or (row.answered or 0) < row.monthly_answers,
        history=tuple(
            Utterance(author, without_quote(text)[0], analysis.get("frustration", 0.0))
            for author, text, analysis in reversed(earlier.all())
        ),
    )


async def _subject(scope: Scope, context: Context) -> str:
    """What is handed over, and not what the chat began with; but a mail's own subject says it best."""
    began = await scope.run(BEGAN, conversation_id=context.place.conversation_id)
    first_words = {subject_of(text) for text in began.scalars()}
    return subject_of(context.text) if context.subject in first_words else context.subject


def _profile(row: Any) -> Profile:
    own = calibrated(profile_of(row.name, row.settings), recalibration_of(row.calibration))
    return spoken_with(own, row.language)


async def _still_the_bots(scope: Scope, context: Context, outcome: Outcome) -> bool:
    """Notes the turn on the conversation, unless a person took it over since the turn began."""
    hands_off = leaves_to_people(outcome.decision)
    noted = await scope.run(
        NOTE_TURN,
        conversation=context.place.conversation_id,
        seen_version=context.version,
        version=context.version + int(hands_off),
        handler="person" if hands_off else "bot",
        frustration=outcome.reading.frustration,
        last_message_at=now(),
    )
    return noted.rowcount == 1


async def _finish(scope: Scope, context: Context, owner: str, ended: Ended, outcome: Outcome | None) -> None:
    """Raises `LostLease` when the message is no longer ours, which undoes the whole turn."""
    finished = await scope.run(
        FINISH,
        message=context.message_id,
        owner=owner,
        state="done",
        outcome=ended,
        analysis=_analysis(outcome),
        lease_owner=None,
        lease_until=None,
    )
    if finished.rowcount != 1:
        raise LostLease
    await scope.insert(
        _count_usage(scope.dialect),
        id=new_id(),
        month=_month(),
        received=1,
        answered=int(ended == "answered"),
        escalated=int(ended == "escalated"),
    )


def _analysis(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    reading = outcome.reading
    return {
        "sentiment": reading.sentiment.label,
        "frustration": round(reading.sentiment.frustration, 3),
        "urgency": round(reading.sentiment.urgency, 3),
        "language": reading.language,
        "category": reading.category,
        "confidence": round(outcome.confidence, 4),
        "reason": outcome.decision.reason,
    }


def _month() -> str:
    return now().strftime("%Y-%m")


def _gave_up(context: Context) -> Outcome:
    """After the last failed try: a person, with the reason."""
    reading = Reading(
        sentiment=Sentiment("neutral", {"negative": 0.0, "neutral": 1.0, "positive": 0.0}, 0.0, 0.0),
        frustration=context.frustration,
        language=context.profile.language,
    )
    return Outcome(Decision("escalate", "error"), reading, answer=None, confidence=0.0)
