"""What the console reads: conversations and tickets, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Select

from core.errors import NotFound
from core.models import (
    Attachment,
    Channel,
    Conversation,
    Customer,
    Delivery,
    Draft,
    Member,
    Message,
    Note,
    Ticket,
)
from core.tenancy import Scope
from web.auth import Caller, Desk
from web.surroundings import Surroundings, around

router = APIRouter(prefix="/api/v1", tags=["desk"])
Limit = Annotated[int, Query(ge=1, le=100)]
# Within what both databases hold, in every time zone.
PageEnd = Annotated[AwareDatetime, Query(ge=datetime(1970, 1, 2, tzinfo=UTC), le=datetime(9999, 12, 30, tzinfo=UTC))]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class ConversationRow(BaseModel):
    id: UUID
    subject: str
    customer: str
    channel: str
    handler: Literal["bot", "person"]
    last_message_at: datetime
    ticket: int | None


class AttachmentRow(BaseModel):
    id: UUID
    name: str
    content_type: str
    size: int


class DeliveryRow(BaseModel):
    """How a message of ours fared on its way to the customer's channel."""

    state: str
    error: str | None


class MessageRow(BaseModel):
    id: UUID
    kind: str
    author: str
    name: str
    text: str
    citations: list[dict[str, Any]]
    confidence: float | None
    helpful: bool | None
    mine: bool
    """The caller wrote it, and may correct it or take it back."""
    outcome: str | None
    analysis: dict[str, Any]
    attachments: list[AttachmentRow]
    delivery: DeliveryRow | None
    """None where the customer reads what is stored here."""
    edited_at: datetime | None
    retracted_at: datetime | None
    created_at: datetime


class ConversationPage(BaseModel):
    items: list[ConversationRow]
    next: str | None
    """Pass it as `before` for the next page."""


class ConversationDetail(ConversationRow):
    around: Surroundings
    messages: list[MessageRow]


class TicketRow(BaseModel):
    number: int
    subject: str
    status: str
    reason: str
    priority: str
    category: str | None
    mood: str | None
    customer: str
    channel: str
    conversation_id: UUID
    assignee: str | None
    due_at: datetime | None
    snoozed_until: datetime | None
    resolution: str | None
    merged_into: int | None
    blocked: bool
    """What the customer writes is kept, and makes no ticket and gets no answer."""
    rating: int | None
    created_at: datetime
    updated_at: datetime


class TicketPage(BaseModel):
    items: list[TicketRow]
    next: int | None
    """Pass it as `before` for the next page."""


class DraftRow(BaseModel):
    id: UUID
    text: str
    citations: list[dict[str, Any]]
    confidence: float
    unproven: list[str]
    """Its sentences that no passage proves."""
    state: str
    version: int
    created_at: datetime


class NoteRow(BaseModel):
    id: UUID
    author: str
    text: str
    created_at: datetime


class TicketDetail(TicketRow):
    drafts: list[DraftRow]
    notes: list[NoteRow]


@router.get("/conversations")
async def conversations(
    caller: Caller, desk: Desk, limit: Limit = 25, before: PageEnd | None = None
) -> ConversationPage:
    """The conversations with the newest message first."""
    async with desk.db.read(caller.organization_id) as scope:
        query = _conversations(scope.select(Conversation, Conversation, Customer, Channel.name, Ticket.number))
        if before:
            query = query.where(Conversation.last_message_at < before)
        rows = (await scope.session.execute(query.order_by(Conversation.last_message_at.desc()).limit(limit))).all()
    items = [_conversation(*row) for row in rows]
    return ConversationPage(items=items, next=items[-1].last_message_at.isoformat() if len(items) == limit else None)


@router.get("/conversations/{conversation_id}")
async def conversation(conversation_id: UUID, caller: Caller, desk: Desk) -> ConversationDetail:
    """One conversation with its last 500 messages, oldest first."""
    async with desk.db.read(caller.organization_id) as scope:
        row = (
            await scope.session.execute(
                _conversations(scope.select(Conversation, Conversation, Customer, Channel.name, Ticket.number)).where(
                    Conversation.id == conversation_id
                )
            )
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no conversation {conversation_id}.")
        messages = await scope.session.scalars(
            scope.select(Message)
            .where(Message.conversation_id == conversation_id)
            .order_by(Message.id.desc())
            .limit(500)
        )
        newest = list(messages)
        ids = [message.id for message in newest]
        attachments, deliveries = await _attachments(scope, ids), await _deliveries(scope, ids)
        beside = await around(scope, row[0])
        rows = [_message(row, caller.member_id, attachments.get(row.id, []), deliveries.get(row.id)) for row in newest]
    return ConversationDetail(**_conversation(*row).model_dump(), around=beside, messages=rows[::-1])


@router.get("/tickets")
async def tickets(
    caller: Caller,
    desk: Desk,
    limit: Limit = 25,
    before: Number | None = None,
    status: Literal["open", "pending", "resolved"] | None = None,
    assignee: Literal["me", "nobody"] | None = None,
) -> TicketPage:
    """Tickets, the newest first. With an assignee, those that are not resolved."""
    async with desk.db.read(caller.organization_id) as scope:
        query = _tickets(scope.select(Ticket, Ticket, Customer, Channel.name, Member.name))
        if before is not None:
            query = query.where(Ticket.number < before)
        if status:
            query = query.where(Ticket.status == status)
        if assignee:
            wanted = caller.member_id if assignee == "me" else None
            query = query.where(Ticket.assignee_id == wanted, Ticket.status != "resolved")
        rows = (await scope.session.execute(query.order_by(Ticket.number.desc()).limit(limit))).all()
    items = [_ticket(*row) for row in rows]
    return TicketPage(items=items, next=items[-1].number if len(items) == limit else None)


@router.get("/tickets/{number}")
async def ticket(number: Number, caller: Caller, desk: Desk) -> TicketDetail:
    """One ticket with its drafts, the newest first."""
    async with desk.db.read(caller.organization_id) as scope:
        row = (
            await scope.session.execute(
                _tickets(scope.select(Ticket, Ticket, Customer, Channel.name, Member.name)).where(
                    Ticket.number == number
                )
            )
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no ticket #{number}.")
        drafts = await scope.session.scalars(
            scope.select(Draft).where(Draft.ticket_id == row[0].id).order_by(Draft.id.desc()).limit(50)
        )
        rows = [DraftRow.model_validate(draft, from_attributes=True) for draft in drafts]
        notes = await _notes(scope, row[0].id)
    return TicketDetail(**_ticket(*row).model_dump(), drafts=rows, notes=notes)


@router.get("/attachments/{attachment_id}")
async def attachment(attachment_id: UUID, caller: Caller, desk: Desk) -> Response:
    """A file that came with a message, to be saved and never shown in the console's own origin."""
    async with desk.db.read(caller.organization_id) as scope:
        found = await scope.get(Attachment, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(found.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(found.content, media_type="application/octet-stream", headers=headers)


async def _attachments(scope: Scope, message_ids: list[UUID]) -> dict[UUID, list[AttachmentRow]]:
    """Without what is in them."""
    columns = (Attachment.message_id, Attachment.id, Attachment.name, Attachment.content_type, Attachment.size)
    rows = await scope.session.execute(
        scope.select(Attachment, *columns).where(Attachment.message_id.in_(message_ids)).order_by(Attachment.id)
    )
    found: dict[UUID, list[AttachmentRow]] = {}
    for row in rows:
        shown = AttachmentRow(id=row.id, name=row.name, content_type=row.content_type, size=row.size)
        found.setdefault(row.message_id, []).append(shown)
    return found


async def _deliveries(scope: Scope, message_ids: list[UUID]) -> dict[UUID, DeliveryRow]:
    """Each message's newest: its sending, or the last change of it."""
    rows = await scope.session.execute(
        scope.select(Delivery, Delivery.message_id, Delivery.state, Delivery.error)
        .where(Delivery.message_id.in_(message_ids))
        .order_by(Delivery.id)
    )
    return {row.message_id: DeliveryRow(state=row.state, error=row.error) for row in rows}


async def _notes(scope: Scope, ticket_id: UUID) -> list[NoteRow]:
    rows = await scope.session.execute(
        scope.select(Note, Note, Member.name)
        .outerjoin(Member, Member.id == Note.member_id)
        .where(Note.ticket_id == ticket_id, Note.retracted_at.is_(None))
        .order_by(Note.id)
        .limit(200)
    )
    return [
        NoteRow(id=note.id, author=name or "A former member", text=note.text, created_at=note.created_at)
        for note, name in rows
    ]


def _conversations(query: Select[Any]) -> Select[Any]:
    return (
        query.join(Customer, Customer.id == Conversation.customer_id)
        .join(Channel, Channel.id == Conversation.channel_id)
        .outerjoin(Ticket, (Ticket.conversation_id == Conversation.id) & (Ticket.status != "resolved"))
    )


def _tickets(query: Select[Any]) -> Select[Any]:
    return (
        query.join(Conversation, Conversation.id == Ticket.conversation_id)
        .join(Customer, Customer.id == Conversation.customer_id)
        .join(Channel, Channel.id == Conversation.channel_id)
        .outerjoin(Member, Member.id == Ticket.assignee_id)
    )


def _conversation(row: Conversation, customer: Customer, channel: str, number: int | None) -> ConversationRow:
    return ConversationRow(
        id=row.id,
        subject=row.subject,
        customer=_display(customer),
        channel=channel,
        handler="person" if row.handler == "person" else "bot",
        last_message_at=row.last_message_at,
        ticket=number,
    )


def _ticket(row: Ticket, customer: Customer, channel: str, assignee: str | None) -> TicketRow:
    return TicketRow(
        number=row.number,
        subject=row.subject,
        status=row.status,
        reason=row.reason,
        priority=row.priority,
        category=row.category,
        mood=row.mood,
        customer=_display(customer),
        channel=channel,
        conversation_id=row.conversation_id,
        assignee=assignee,
        due_at=row.due_at,
        snoozed_until=row.snoozed_until,
        resolution=row.resolution,
        merged_into=row.merged_into,
        blocked=customer.blocked_at is not None,
        rating=row.rating,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _message(
    row: Message, reader: UUID | None, attachments: list[AttachmentRow], delivery: DeliveryRow | None
) -> MessageRow:
    return MessageRow(
        id=row.id,
        kind=row.kind,
        author=row.author,
        name=row.speaker or "",
        text=row.text,
        citations=row.citations,
        confidence=row.confidence,
        helpful=row.helpful,
        mine=row.author == "agent" and row.member_id is not None and row.member_id == reader,
        outcome=row.outcome,
        analysis=row.analysis,
        attachments=attachments,
        delivery=delivery,
        edited_at=row.edited_at,
        retracted_at=row.retracted_at,
        created_at=row.created_at,
    )


def _display(customer: Customer) -> str:
    return customer.name or customer.email or f"Visitor {customer.id.hex[-6:]}"
