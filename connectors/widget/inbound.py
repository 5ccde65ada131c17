"""In from the browser: one open socket of one visitor."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

from connectors.widget.frames import (
    FeedbackFrame,
    FrameError,
    HistoryFrame,
    HumanFrame,
    TextFrame,
    escalated_frame,
    external_id,
    live_frame,
    parse,
    stored_frame,
)
from connectors.widget.takeover import TAKEN_OVER
from connectors.widget.tokens import Visitor
from core.db import Database
from core.events import LAGGED, Event, Events, Subscription, conversation_topic
from core.inbox import Inbox
from core.messages import InboundMessage, JsonObject
from core.models import Conversation, Message, Ticket, now

HISTORY = 200
LOOK_SECONDS = 30.0
HUMAN_REQUEST = "I would like to talk to a person."
Send = Callable[[JsonObject], Awaitable[None]]


class Socket:
    """Reads the visitor's frames and passes on what happens in their conversation."""

    def __init__(self, db: Database, events: Events, inbox: Inbox, visitor: Visitor, send: Send) -> None:
        self._db = db
        self._events = events
        self._inbox = inbox
        self._visitor = visitor
        self._send = send
        # What this tab sent is shown there already; the other tabs of the visitor learn of it.
        self._sent_here: deque[str] = deque(maxlen=64)
        self._topic = conversation_topic(visitor.conversation_id)

    async def receive(self, raw: str | bytes) -> None:
        try:
            frame = parse(raw)
        except FrameError as error:
            await self._send(error.frame)
            return
        if isinstance(frame, TextFrame):
            await self._message(frame.id, frame.text)
        elif isinstance(frame, HumanFrame):
            await self._message(frame.id or uuid4(), HUMAN_REQUEST, acknowledge=frame.id is not None)
        elif isinstance(frame, FeedbackFrame):
            await self._feedback(frame)
        elif isinstance(frame, HistoryFrame):
            await self.replay(everything=True)
            await self._send({"type": "history_end"})
        else:
            self._events.publish(Event(self._topic, "customer_typing", {}))

    async def forward(self, subscription: Subscription) -> None:
        """Sends on the conversation's events. Ends when the conversation is no longer this visitor's."""
        async for event in subscription:
            if event.kind == "message":
                await self._show(event.data)
            elif event.kind in ("typing", "chunk", "edited", "retracted"):
                await self._send({"type": event.kind, **event.data})
            elif event.kind == LAGGED:
                await self.replay()
            elif event.kind == TAKEN_OVER and event.data["visitor_id"] == str(self._visitor.visitor_id):
                return

    async def _show(self, message: JsonObject) -> None:
        if message["author"] == "customer" and message["external_id"] in self._sent_here:
            return
        await self._send(live_frame(message))
        if message.get("ticket_number"):
            await self._send(escalated_frame(message["ticket_number"]))

    async def replay(self, *, everything: bool = False) -> None:
        """Sends the conversation's messages again: all of the last 200, or what followed the last question."""
        visitor = self._visitor
        async with self._db.read(visitor.organization_id) as scope:
            rows = await scope.session.execute(
                scope.select(Message, Message, Ticket.number)
                .outerjoin(Ticket, Ticket.id == Message.ticket_id)
                .where(Message.conversation_id == visitor.conversation_id, Message.retracted_at.is_(None))
                .order_by(Message.id.desc())
                .limit(HISTORY)
            )
        messages = [(message, number) for message, number in rows]
        if not everything:
            asked = next((i for i, (message, _) in enumerate(messages) if message.author == "customer"), 0)
            messages = messages[:asked]
        for message, number in reversed(messages):
            await self._send(stored_frame(message))
            if number:
                await self._send(escalated_frame(number))

    async def look(self) -> None:
        """Notes, until cancelled, that the visitor is here, so that nobody mails them what they see."""
        while True:
            await self._seen()
            await asyncio.sleep(LOOK_SECONDS)

    async def _seen(self) -> None:
        async with self._db.write(self._visitor.organization_id) as scope:
            await scope.session.execute(
                scope.update(Conversation)
                .where(Conversation.id == self._visitor.conversation_id)
                .values(customer_seen_at=now())
            )

    async def _message(self, message_id: UUID, text: str, *, acknowledge: bool = True) -> None:
        visitor = self._visitor
        stored_as = external_id(visitor.visitor_id, message_id)
        self._sent_here.append(stored_as)
        await self._inbox.receive(
            InboundMessage(
                organization_id=visitor.organization_id,
                channel_id=visitor.channel_id,
                external_id=stored_as,
                author=visitor.as_person(),
                text=text,
                conversation_id=visitor.conversation_id,
            )
        )
        if acknowledge:
            await self._send({"type": "ack", "id": str(message_id)})

    async def _feedback(self, frame: FeedbackFrame) -> None:
        async with self._db.write(self._visitor.organization_id) as scope:
            await scope.session.execute(
                scope.update(Message)
                .where(Message.id == frame.message_id)
                .where(Message.conversation_id == self._visitor.conversation_id, Message.author == "ai")
                .values(helpful=frame.helpful)
            )
