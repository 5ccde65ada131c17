"""A ticket's thread as the database has it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from bots.slack_desk import blocks
from bots.slack_desk.blocks import Post
from bots.slack_desk.cards import DraftCard, MessageCard, NoteCard, TicketCard
from core.agent.wording import REASONS
from core.messages import Citation
from core.models import (
    Attachment,
    AuditEntry,
    Channel,
    Conversation,
    Customer,
    Delivery,
    DeskPost,
    Draft,
    Member,
    Message,
    Note,
    Ticket,
    now,
)
from core.tenancy import Scope

EARLIER = 6
MOST_MESSAGES = 300
MOST_FILE_BYTES = 20 * 2**20
BY_THEMSELVES = ("ticket.claimed", "ticket.replied", "draft.sent")
"""How somebody comes to have a ticket without being told to."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message of the thread. `late`: not worth posting if it is not there already. `calls`: whoever has the
    ticket is mentioned in it, so that they notice."""

    kind: str
    subject_id: UUID
    post: Post
    late: bool = False
    calls: bool = False


@dataclass(frozen=True, slots=True)
class FileItem:
    """A customer's file, to be put into the thread."""

    attachment_id: UUID
    name: str
    size: int

    @property
    def too_large(self) -> bool:
        return self.size > MOST_FILE_BYTES


@dataclass(frozen=True, slots=True)
class Thread:
    card: TicketCard
    ticket_id: UUID
    source_kind: str
    head: Post
    items: tuple[Item, ...]
    files: tuple[FileItem, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """The rows that a thread is made of."""

    ticket: Ticket
    conversation: Conversation
    customer: Customer
    source: Channel
    opening: Message | None
    names: dict[UUID, str]
    console: str

    @property
    def url(self) -> str:
        return f"{self.console}/#/tickets/{self.ticket.number}"


async def thread(scope: Scope, ticket_id: UUID, console: str, origin: str) -> Thread:
    """`console`: the address of the console. Notes that came from `origin`, a workspace, are in its thread already."""
    facts = await _facts(scope, ticket_id, console)
    card = await _card(scope, facts)
    messages = await _messages(scope, facts)
    files = await _files(scope, [*messages, *([facts.opening] if facts.opening else [])])
    items = [
        *await _earlier(scope, facts),
        *await _said(scope, facts, messages, files),
        *await _drafts(scope, facts),
        *await _notes(scope, facts, origin),
        *await _given(scope, facts),
    ]
    items.sort(key=lambda item: (item.kind != "earlier", item.kind == "given", item.subject_id))
    theirs = [m.id for m in (*messages, facts.opening) if m and m.author == "customer" and not m.retracted_at]
    shared = tuple(FileItem(row.id, row.name, row.size) for row in files if row.message_id in theirs)
    return Thread(card, ticket_id, facts.source.kind, blocks.ticket(card), tuple(items), shared)


async def _facts(scope: Scope, ticket_id: UUID, console: str) -> _Facts:
    row = (
        await scope.session.execute(
            scope.select(Ticket, Ticket, Conversation, Customer, Channel)
            .join(Conversation, Conversation.id == Ticket.conversation_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .join(Channel, Channel.id == Conversation.channel_id)
            .where(Ticket.id == ticket_id)
        )
    ).one()
    ticket, conversation, customer, source = row
    members = await scope.session.execute(scope.select(Member, Member.id, Member.name))
    return _Facts(
        ticket=ticket,
        conversation=conversation,
        customer=customer,
        source=source,
        opening=await _opening(scope, ticket),
        names={member.id: member.name for member in members},
        console=console,
    )


async def _opening(scope: Scope, ticket: Ticket) -> Message | None:
    """The customer's message that it was opened for."""
    asked = scope.select(Message).where(Message.conversation_id == ticket.conversation_id, Message.author == "customer")
    found: Message | None = await scope.session.scalar(
        asked.where(Message.created_at <= ticket.created_at).order_by(Message.id.desc()).limit(1)
    )
    return found


async def _card(scope: Scope, facts: _Facts) -> TicketCard:
    ticket, opening = facts.ticket, facts.opening
    taken_back = opening is not None and opening.retracted_at is not None
    name, email = facts.customer.name, facts.customer.email
    who = f"{name} ({email})" if name and email else name or email or f"Visitor {facts.customer.id.hex[-6:]}"
    return TicketCard(
        number=ticket.number,
        subject=ticket.subject,
        status=ticket.status,
        spam=ticket.resolution == "spam",
        blocked=facts.customer.blocked_at is not None,
        reason=REASONS.get(ticket.reason, ticket.reason),  # type: ignore[call-overload]
        priority=ticket.priority,
        category=ticket.category,
        mood=ticket.mood,
        source=facts.source.name,
        customer=who,
        question="(taken back)" if taken_back or opening is None else opening.text,
        url=facts.url,
        assignee=facts.names.get(ticket.assignee_id) if ticket.assignee_id else None,
        resolved_by=await _resolver(scope, facts),
        due_at=ticket.due_at,
        overdue=ticket.overdue_at is not None and ticket.due_at is not None,
        snoozed_until=ticket.snoozed_until if ticket.snoozed_until and ticket.snoozed_until > now() else None,
        merged_into=ticket.merged_into,
        handler="person" if facts.conversation.handler == "person" else "bot",
        rating=ticket.rating,
        rating_comment=ticket.rating_comment,
    )


async def _resolver(scope: Scope, facts: _Facts) -> str | None:
    """Who closed it; a reply that resolved it counts."""
    if facts.ticket.status != "resolved":
        return None
    actor = await scope.session.scalar(
        scope.select(AuditEntry, AuditEntry.actor_id)
        .where(AuditEntry.subject_id == facts.ticket.id, AuditEntry.actor_id.is_not(None))
        .where(
            AuditEntry.action.in_(
                ["ticket.resolved", "ticket.replied", "ticket.spam", "draft.sent", "customer.blocked"]
            )
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    return facts.names.get(actor) if actor else None


async def _messages(scope: Scope, facts: _Facts) -> Sequence[Message]:
    """What was said since the ticket was opened; after its end the conversation is no longer this ticket's."""
    query = scope.select(Message).where(
        Message.conversation_id == facts.ticket.conversation_id, Message.kind == "message"
    )
    if facts.opening:
        query = query.where(Message.id > facts.opening.id)
    if facts.ticket.resolved_at:
        query = query.where(Message.created_at <= facts.ticket.resolved_at)
    found = await scope.session.scalars(query.order_by(Message.id.desc()).limit(MOST_MESSAGES))
    return list(found)[::-1]


async def _files(scope: Scope, messages: Sequence[Message]) -> Sequence[Any]:
    columns = (Attachment.id, Attachment.message_id, Attachment.name, Attachment.size)
    found = await scope.session.execute(
        scope.select(Attachment, *columns)
        .where(Attachment.message_id.in_([message.id for message in messages]))
        .order_by(Attachment.id)
    )
    return list(found)


async def _earlier(scope: Scope, facts: _Facts) -> list[Item]:
    """What came before the question, so that nobody has to look it up."""
    if facts.opening is None:
        return []
    found = await scope.session.scalars(
        scope.select(Message)
        .where(Message.conversation_id == facts.ticket.conversation_id, Message.id < facts.opening.id)
        .where(Message.kind == "message", Message.retracted_at.is_(None))
        .order_by(Message.id.desc())
        .limit(EARLIER)
    )
    before = [(_name(facts, message), message.text) for message in list(found)[::-1]]
    return [Item("earlier", facts.ticket.id, blocks.earlier(before, facts.ticket.number))] if before else []


async def _said(scope: Scope, facts: _Facts, messages: Sequence[Message], files: Sequence[Any]) -> list[Item]:
    deliveries = await scope.session.execute(
        scope.select(Delivery)
        .where(Delivery.message_id.in_([message.id for message in messages if message.author != "customer"]))
        .order_by(Delivery.id)
    )
    latest = {row.message_id: row for (row,) in deliveries}
    items = []
    for message in messages:
        card = replace(
            _message_card(facts, message), files=tuple(_named(f) for f in files if f.message_id == message.id)
        )
        card = _with_delivery(card, message, latest.get(message.id))
        waits = message is messages[-1] and message.author == "customer" and facts.ticket.status == "open"
        late = card.state == "retracted"
        items.append(Item("message", message.id, blocks.said(card, facts.ticket.number), late, calls=waits))
    return items


def _named(file: Any) -> str:
    return f"{file.name} (too large for here: see the console)" if file.size > MOST_FILE_BYTES else str(file.name)


def _message_card(facts: _Facts, message: Message) -> MessageCard:
    return MessageCard(
        id=message.id,
        author=message.author,
        name=_name(facts, message),
        text=message.text,
        at=message.created_at,
        state="retracted" if message.retracted_at else "received" if message.author == "customer" else "sent",
        edited=message.edited_at is not None,
    )


def _with_delivery(card: MessageCard, message: Message, delivery: Delivery | None) -> MessageCard:
    """What became of a message of ours on its way. Without a delivery it arrived by being stored."""
    if delivery is None or message.author == "customer" or message.retracted_at:
        return card
    if delivery.state == "dead":
        return replace(card, state="failed", trouble=delivery.error)
    if delivery.state in ("queued", "working"):
        held = delivery.attempts == 0 and delivery.action == "send" and delivery.available_at > now()
        return replace(card, state="held" if held else "queued", undo=held, trouble=delivery.error)
    return card


def _name(facts: _Facts, message: Message) -> str:
    if message.author == "customer":
        return facts.customer.name or facts.customer.email or "The customer"
    return message.speaker or "The assistant"


async def _drafts(scope: Scope, facts: _Facts) -> list[Item]:
    drafts = await scope.session.scalars(
        scope.select(Draft).where(Draft.ticket_id == facts.ticket.id).order_by(Draft.id.desc()).limit(20)
    )
    rows = list(drafts)
    sent = await scope.session.execute(
        scope.select(Message, Message.id, Message.text, Message.retracted_at).where(
            Message.id.in_([draft.sent_message_id for draft in rows if draft.sent_message_id])
        )
    )
    became = {row.id: row for row in sent}
    items = []
    for draft in rows:
        post = blocks.draft(
            _draft_card(facts, draft, became.get(draft.sent_message_id)), facts.ticket.number, facts.url
        )
        items.append(Item("draft", draft.id, post, late=draft.state != "pending"))
    return items


def _draft_card(facts: _Facts, draft: Draft, sent: Any) -> DraftCard:
    return DraftCard(
        id=draft.id,
        text=draft.text,
        citations=tuple(Citation(**citation) for citation in draft.citations),
        site=facts.console,
        confidence=draft.confidence,
        state=draft.state,
        version=draft.version,
        unproven=tuple(draft.unproven),
        decided_by=facts.names.get(draft.decided_by_id) if draft.decided_by_id else None,
        decided_at=draft.decided_at,
        edited=sent is not None and sent.text.strip() != draft.text.strip(),
        taken_back=sent is not None and sent.retracted_at is not None,
        reject_reason=draft.reject_reason,
    )


async def _notes(scope: Scope, facts: _Facts, origin: str) -> list[Item]:
    notes = await scope.session.scalars(scope.select(Note).where(Note.ticket_id == facts.ticket.id).order_by(Note.id))
    items = []
    for note in notes:
        if note.retracted_at or (note.external_id or "").startswith(f"{origin}/"):
            continue
        name = facts.names.get(note.member_id, "a former member") if note.member_id else "a former member"
        card = NoteCard(note.id, name, note.text, note.created_at)
        items.append(Item("note", note.id, blocks.note(card, facts.ticket.number)))
    return items


async def _given(scope: Scope, facts: _Facts) -> list[Item]:
    """That somebody else gave the ticket to whoever has it, who is to learn of it."""
    ticket = facts.ticket
    if ticket.assignee_id is None or ticket.assigned_at is None or ticket.status != "open":
        return []
    newest = await scope.session.execute(
        scope.select(AuditEntry, AuditEntry.actor_id, AuditEntry.action)
        .where(AuditEntry.subject_id == ticket.id, AuditEntry.action.in_([*BY_THEMSELVES, "ticket.assigned"]))
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    entry = newest.one_or_none()
    if entry and (entry.action in BY_THEMSELVES or entry.actor_id == ticket.assignee_id):
        return []
    by = facts.names.get(entry.actor_id) if entry and entry.actor_id else None
    post = blocks.given(facts.names.get(ticket.assignee_id, "A colleague"), by, ticket.number)
    subject_id = uuid5(ticket.id, f"{ticket.assignee_id} {ticket.assigned_at.isoformat()}")
    return [Item("given", subject_id, post, calls=True)]


async def posts(scope: Scope, ticket_id: UUID, channel_id: UUID) -> dict[tuple[str, UUID], DeskPost]:
    """What is shown of the ticket by this channel so far."""
    found = await scope.session.scalars(
        scope.select(DeskPost)
        .where(DeskPost.ticket_id == ticket_id, DeskPost.channel_id == channel_id)
        .order_by(DeskPost.id)
    )
    return {(post.kind, post.subject_id): post for post in found}
