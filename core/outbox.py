"""The only way out. `post()` stores what is to be sent; `deliver()` alone calls a connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import bindparam, insert, literal_column, select, update

from core import alerts, bridging
from core.db import Database
from core.errors import Conflict
from core.events import Event, Events, conversation_topic, work_arrived
from core.messages import Action, Attachment, Author, Citation, JsonObject, MessageKind, OutboundMessage
from core.models import Attachment as StoredAttachment
from core.models import Channel, CustomerIdentity, Delivery, Message, Ticket, new_id, now
from core.outgoing import load
from core.queue import backoff
from core.reports import Digest, Weekly
from core.tenancy import Scope, ours

MAX_ATTEMPTS = 12
HELD_UP = timedelta(days=1)
"""For so long a vendor may tell us to wait before the message is given up."""
WHILE_OFF = timedelta(minutes=5)
"""How long a delivery of a channel that is off waits before it looks again; switching it on wakes it."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes."""

    conversation_id: UUID
    channel_id: UUID
    channel_kind: str


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of ours, before it is stored."""

    author: Author
    speaker: str
    text: str
    id: UUID | None = None
    kind: MessageKind = "message"
    citations: tuple[Citation, ...] = ()
    confidence: float | None = None
    reply_to_id: UUID | None = None
    member_id: UUID | None = None
    ticket_id: UUID | None = None
    ticket_number: int | None = None
    """Both are set when the message tells the customer of a hand-over."""
    attachments: tuple[Attachment, ...] = ()
    hold: timedelta = timedelta()
    """How long it waits to be sent, and can be undone; where our database is read, it is there at once."""


def as_event(message_id: UUID, draft: NewMessage, created_at: datetime) -> JsonObject:
    """What watchers of the conversation are told."""
    return {
        "id": str(message_id),
        "author": draft.author,
        "name": draft.speaker,
        "text": draft.text,
        "citations": [citation.as_json() for citation in draft.citations],
        "confidence": draft.confidence,
        "ticket_number": draft.ticket_number,
        "created_at": created_at.isoformat(),
    }


class DeliveryError(Exception):
    """A connector could not send. `permanent` answers the one question core has: is trying again useless?

    `retry_after` are the seconds that the vendor wants us to wait. `channel_broken` says that nothing can be sent
    through this channel until an admin has mended it (a revoked token): it is switched off with `detail` as the
    reason, and what is to be sent waits. An admin will read the text: it names the thing and the remedy.
    """

    def __init__(
        self, detail: str, *, permanent: bool, retry_after: float | None = None, channel_broken: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent
        self.retry_after = retry_after
        self.channel_broken = channel_broken


class Sender(Protocol):
    """What a connector implements to send. Returns the provider's id for the message, if it gives one.

    Raises `DeliveryError` and nothing else for what can go wrong outside.
    """

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """Something that a desk outside shows, by the ids that it has there."""

    place: str
    external_id: str


class DeskSender(Protocol):
    """Makes what a desk outside shows of a ticket equal to what the database says; safe to repeat.

    Raises `DeliveryError` and nothing else for what can go wrong outside.
    """

    async def show(self, organization_id: UUID, ticket_id: UUID, channel: Channel) -> None: ...

    async def announce(self, channel: Channel, report: Digest | Weekly) -> Posted:
        """Posts a regular report for the whole team."""

    async def remove(self, channel: Channel, post: Posted) -> None:
        """Takes away something that it shows; what is gone already is no error."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Who sends for which kind of channel, and which kinds are desks."""

    senders: Mapping[str, Sender] = field(default_factory=dict)
    desks: Mapping[str, DeskSender] = field(default_factory=dict)
    reaches: frozenset[str] = frozenset()
    """The kinds of channel that reach a customer by the e-mail address they left, wherever they wrote."""
    mailer: alerts.Mailer | None = None
    """None where the installation cannot send mail of its own."""

    async def aclose(self) -> None:
        for sender in self.senders.values():
            await sender.aclose()
        for desk in self.desks.values():
            await desk.aclose()


INSERT_MESSAGE = insert(Message)
INSERT_DELIVERY = insert(Delivery)
DELIVERY = (
    select(Delivery, Channel)
    .join(Channel, Channel.id == Delivery.channel_id)
    .where(Delivery.organization_id == ours(), Delivery.id == bindparam("delivery_id"))
)
OUTCOME = update(Delivery).where(
    Delivery.organization_id == ours(),
    Delivery.id == bindparam("delivery_id"),
    Delivery.lease_owner == bindparam("owner"),
)
DESKS = (
    select(Channel.id)
    .where(Channel.organization_id == ours(), Channel.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(Channel.id)
)
NEWEST_TICKET = (
    select(Ticket.id)
    .where(Ticket.organization_id == ours(), Ticket.conversation_id == bindparam("conversation_id"))
    .order_by(Ticket.number.desc())
    .limit(1)
)


class Outbox:
    """The channels that `connected` sends to. The customers of the others (the chat widget, the API) read our
    database: there a message has arrived once it is stored, and a live event says so."""

    def __init__(self, db: Database, events: Events, connected: Connected) -> None:
        self._db = db
        self._events = events
        self._connected = connected

    def sends(self, channel_kind: str) -> bool:
        """Whether a connector sends for channels of this kind."""
        return channel_kind in self._connected.senders

    async def post(self, scope: Scope, place: Place, draft: NewMessage) -> UUID:
        """Stores a message of ours and queues it for its conversation's channel, in the caller's transaction."""
        message_id, moment = draft.id or new_id(), now()
        await scope.insert(
            INSERT_MESSAGE,
            id=message_id,
            created_at=moment,
            conversation_id=place.conversation_id,
            channel_id=place.channel_id,
            author=draft.author,
            speaker=draft.speaker,
            member_id=draft.member_id,
            reply_to_id=draft.reply_to_id,
            ticket_id=draft.ticket_id,
            kind=draft.kind,
            text=draft.text,
            citations=[citation.as_json() for citation in draft.citations],
            confidence=draft.confidence,
        )
        for attachment in draft.attachments:
            scope.add(
                StoredAttachment(
                    message_id=message_id,
                    name=attachment.name[:255],
                    content_type=attachment.content_type[:127],
                    size=len(attachment.content),
                    content=attachment.content,
                )
            )
        if self.sends(place.channel_kind):
            await self._queue(scope, place, message_id, available_at=moment + draft.hold)
        elif draft.author == "agent" and self._connected.reaches:
            await bridging.queue(scope, place.conversation_id, message_id, self._connected.reaches, moment)
        self._tell(scope, place.conversation_id, "message", as_event(message_id, draft, moment))
        return message_id

    async def edit(self, scope: Scope, message_id: UUID, text: str) -> Message:
        """Changes a message of ours, also where it was sent. Raises `NotFound`, or `Conflict` if it is gone."""
        message = await self._change(scope, message_id, text=text, edited_at=now())
        await self._send_change(scope, message, "edit")
        self._tell(scope, message.conversation_id, "edited", {"id": str(message_id), "text": text})
        return message

    async def retract(self, scope: Scope, message_id: UUID) -> Message:
        """Takes a message of ours back, also where it was sent; or before, if it still waits to be sent.

        Raises `NotFound`, or `Conflict` if it is gone already.
        """
        message = await self._change(scope, message_id, retracted_at=now())
        if not await self._undo(scope, message_id):
            await self._send_change(scope, message, "delete")
        self._tell(scope, message.conversation_id, "retracted", {"id": str(message_id)})
        return message

    async def undo(self, scope: Scope, message_id: UUID) -> Message:
        """Calls back a message that still waits to be sent. Raises `Conflict` if it is too late."""
        if not await self._undo(scope, message_id):
            raise Conflict("It is too late: the message is on its way.")
        message = await self._change(scope, message_id, retracted_at=now())
        self._tell(scope, message.conversation_id, "retracted", {"id": str(message_id)})
        return message

    async def is_waiting(self, scope: Scope, message_id: UUID) -> bool:
        """Whether the message is still to be sent, and so could be called back."""
        waiting = await scope.session.scalar(
            scope.select(Delivery, Delivery.id).where(Delivery.message_id == message_id, Delivery.state == "queued")
        )
        return waiting is not None

    async def tell_desks(self, scope: Scope, ticket: Ticket) -> None:
        """Queues showing the ticket, as it is when its turn comes, at every desk outside."""
        desks = (await scope.run(DESKS, kinds=list(self._connected.desks))).scalars().all()
        if not desks:
            return
        # Locked, so that a showing which waits cannot begin before what it has to show is committed.
        waiting = await scope.session.scalars(
            scope.select(Delivery, Delivery.channel_id)
            .where(Delivery.ticket_id == ticket.id, Delivery.state == literal_column("'queued'"))
            .with_for_update()
        )
        already = set(waiting)
        for channel_id in desks:
            if channel_id not in already:
                await scope.insert(
                    INSERT_DELIVERY,
                    id=new_id(),
                    conversation_id=ticket.conversation_id,
                    channel_id=channel_id,
                    ticket_id=ticket.id,
                    action="show",
                )
            self._wake(scope, ticket.conversation_id, channel_id)

    async def deliver(self, organization_id: UUID, delivery_id: UUID, owner: str) -> None:
        """Sends one delivery that `owner` has claimed, and writes down what came of it."""
        async with self._db.read(organization_id) as scope:
            delivery, channel = await scope.objects(DELIVERY, delivery_id=delivery_id)
        try:
            external_id = await self._hand_out(organization_id, delivery, channel)
        except _Off as off:
            await self._wait(organization_id, delivery, owner, str(off))
            return
        except DeliveryError as error:
            await self._failed(organization_id, delivery, channel, owner, error)
            return
        except Exception as error:
            log.exception("delivery.broke", delivery=str(delivery_id), kind=channel.kind)
            failure = DeliveryError(f"{type(error).__name__}: {error}"[:500], permanent=False)
            await self._failed(organization_id, delivery, channel, owner, failure)
            return
        done = {"state": "sent", "external_id": external_id, "sent_at": now(), "error": None}
        async with self._db.write(organization_id) as scope:
            await _update(scope, delivery, owner, **done)
            await alerts.clear(scope, alerts.about(channel.id))
            await self._tell_of_outcome(scope, delivery)

    async def _hand_out(self, organization_id: UUID, delivery: Delivery, channel: Channel) -> str | None:
        if channel.disabled_at:
            raise _Off(
                f"The channel {channel.name!r} is off ({channel.disabled_reason or 'switched off by an admin'}). "
                "Switch it on under Channels."
            )
        known = self._connected.desks if delivery.ticket_id else self._connected.senders
        if channel.kind not in known:
            raise DeliveryError(f"This installation has no connector for {channel.kind!r} channels.", permanent=True)
        if delivery.ticket_id:
            await self._connected.desks[channel.kind].show(organization_id, delivery.ticket_id, channel)
            return None
        async with self._db.read(organization_id) as scope:
            if delivery.recipient and await bridging.was_seen(scope, delivery):
                return None  # the customer came back and read it
            message = await load(scope, delivery)
        if not message.recipient.external_id:
            raise DeliveryError(
                f"The customer never wrote through the channel {channel.name!r}, so there is no address to reply to. "
                "Reply where they wrote first.",
                permanent=True,
            )
        if message.action != "send" and message.sent_as is None:
            return None  # it was never sent, so there is nothing to change
        return await self._connected.senders[channel.kind].send(message, channel)

    async def bounced(
        self, organization_id: UUID, channel_id: UUID, delivery_id: UUID, address: str, detail: str
    ) -> None:
        """The outside says that what was sent did not arrive: the delivery is dead, the address marked, agents told."""
        async with self._db.write(organization_id) as scope:
            bounced: Any = await scope.session.execute(
                scope.update(Delivery)
                .where(Delivery.id == delivery_id, Delivery.channel_id == channel_id, Delivery.state == "sent")
                .values(state="dead", error=detail)
            )
            if not bounced.rowcount:
                return
            delivery = await scope.get(Delivery, delivery_id)
            await scope.session.execute(
                scope.update(CustomerIdentity)
                .where(CustomerIdentity.channel_id == channel_id, CustomerIdentity.external_id == address)
                .values(unreachable=detail)
            )
            await alerts.raise_alert(scope, f"lost:{channel_id}", f"A message did not arrive: {detail}")
            await self._tell_of_outcome(scope, delivery)

    async def arrived(self, organization_id: UUID, channel_id: UUID, delivery_id: UUID) -> None:
        """The outside says that what was sent has arrived."""
        async with self._db.write(organization_id) as scope:
            await scope.session.execute(
                scope.update(Delivery)
                .where(Delivery.id == delivery_id, Delivery.channel_id == channel_id, Delivery.arrived_at.is_(None))
                .values(arrived_at=now())
            )

    async def _wait(self, organization_id: UUID, delivery: Delivery, owner: str, reason: str) -> None:
        """Waiting for a channel to be switched on is no failed try."""
        async with self._db.write(organization_id) as scope:
            later = {"available_at": now() + WHILE_OFF, "attempts": delivery.attempts - 1, "error": reason}
            await _update(scope, delivery, owner, state="queued", **later)

    async def _failed(
        self, organization_id: UUID, delivery: Delivery, channel: Channel, owner: str, error: DeliveryError
    ) -> None:
        # A ticket waits for its desk however long that is away; a customer's message is given up and shown as lost.
        held_up = error.retry_after is not None and now() - delivery.created_at < HELD_UP
        tried_enough = delivery.attempts >= MAX_ATTEMPTS and not held_up and not delivery.ticket_id
        dead = (error.permanent or tried_enough) and not error.channel_broken
        log.warning("delivery.failed", delivery=str(delivery.id), dead=dead, reason=error.detail)
        pause = timedelta(seconds=error.retry_after) if error.retry_after is not None else backoff(delivery.attempts)
        async with self._db.write(organization_id) as scope:
            state = "dead" if dead else "queued"
            ours = await _update(scope, delivery, owner, state=state, available_at=now() + pause, error=error.detail)
            if ours and error.channel_broken:
                await self._switch_off(scope, channel, error.detail)
            elif ours and dead:
                await alerts.raise_alert(scope, f"lost:{channel.id}", f"A message could not be sent: {error.detail}")
            if ours and (dead or delivery.attempts == 1):
                await self._tell_of_outcome(scope, delivery)
            if ours and not dead:
                self._wake(scope, delivery.conversation_id, delivery.channel_id)

    async def _switch_off(self, scope: Scope, channel: Channel, reason: str) -> None:
        await scope.session.execute(
            scope.update(Channel)
            .where(Channel.id == channel.id, Channel.disabled_at.is_(None))
            .values(disabled_at=now(), disabled_reason=reason)
        )
        await alerts.raise_alert(
            scope, alerts.about(channel.id), f"The channel {channel.name!r} was switched off: {reason}"
        )

    async def _tell_of_outcome(self, scope: Scope, delivery: Delivery) -> None:
        """The agents see on the conversation's newest ticket whether their customer got it."""
        if delivery.ticket_id:
            return
        newest = (await scope.run(NEWEST_TICKET, conversation_id=delivery.conversation_id)).scalar()
        if newest:
            await self.tell_desks(scope, await scope.get(Ticket, newest))

    async def _change(self, scope: Scope, message_id: UUID, **values: Any) -> Message:
        changed: Any = await scope.session.execute(
            scope.update(Message)
            .where(Message.id == message_id, Message.author != "customer", Message.retracted_at.is_(None))
            .values(**values, revision=Message.revision + 1)
        )
        message = await scope.get(Message, message_id)
        if not changed.rowcount:
            raise Conflict("This message was taken back already, or is the customer's own.")
        return message

    async def _undo(self, scope: Scope, message_id: UUID) -> bool:
        """Whether the message was still waiting to be sent for the first time, and now will not be."""
        undone: Any = await scope.session.execute(
            scope.update(Delivery)
            .where(Delivery.message_id == message_id, Delivery.action == "send")
            .where(Delivery.state == "queued", Delivery.attempts == 0)
            .values(state="undone")
        )
        return bool(undone.rowcount)

    async def _send_change(self, scope: Scope, message: Message, action: Action) -> None:
        """Unless the message still waits: then it will be sent as it is by then."""
        row = (
            await scope.session.execute(
                scope.select(Delivery, Delivery.state, Channel.kind)
                .join(Channel, Channel.id == Delivery.channel_id)
                .where(Delivery.message_id == message.id, Delivery.action == "send")
                .limit(1)
            )
        ).one_or_none()
        if row is None or (row.state == "queued" and action == "edit"):
            return
        place = Place(message.conversation_id, message.channel_id, row.kind)
        await self._queue(scope, place, message.id, action=action, revision=message.revision)

    async def _queue(self, scope: Scope, place: Place, message_id: UUID, **values: Any) -> None:
        await scope.insert(
            INSERT_DELIVERY,
            id=new_id(),
            message_id=message_id,
            conversation_id=place.conversation_id,
            channel_id=place.channel_id,
            **values,
        )
        self._wake(scope, place.conversation_id, place.channel_id)

    def _wake(self, scope: Scope, conversation_id: UUID, channel_id: UUID) -> None:
        scope.after_commit(lambda: self._events.publish(work_arrived("delivery", conversation_id, channel_id)))

    def _tell(self, scope: Scope, conversation_id: UUID, kind: str, data: JsonObject) -> None:
        scope.after_commit(lambda: self._events.publish(Event(conversation_topic(conversation_id), kind, data)))


class _Off(Exception):
    """The channel is switched off: what is to be sent waits."""


async def _update(scope: Scope, delivery: Delivery, owner: str, **values: Any) -> bool:
    """Unless another worker has it by now."""
    values |= {"lease_owner": None, "lease_until": None}
    updated = await scope.run(OUTCOME, delivery_id=delivery.id, owner=owner, **values)
    return bool(updated.rowcount)
