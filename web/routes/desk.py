"""What the console reads: conversations and tickets, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Select

from core.errors import NotFound
from core.models import Channel, Conversation, Customer, Draft, Message, Ticket
from web.auth import Caller, Desk

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


class MessageRow(BaseModel):
    id: UUID
    author: str
    name: str
    text: str
    citations: list[dict[str, Any]]
    confidence: float | None
    helpful: bool | None
    outcome: str | None
    analysis: dict[str, Any]
    created_at: datetime


class ConversationPage(BaseModel):
    items: list[ConversationRow]
    next: str | None
    """Pass it as `before` for the next page."""


class ConversationDetail(ConversationRow):
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
    state: str
    version: int
    created_at: datetime


class TicketDetail(TicketRow):
    drafts: list[DraftRow]


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
        rows = [_message(message) for message in messages]
    return ConversationDetail(**_conversation(*row).model_dump(), messages=rows[::-1])


@router.get("/tickets")
async def tickets(
    caller: Caller,
    desk: Desk,
    limit: Limit = 25,
    before: Number | None = None,
    status: Literal["open", "pending", "resolved"] | None = None,
) -> TicketPage:
    """Tickets, the newest first."""
    async with desk.db.read(caller.organization_id) as scope:
        query = _tickets(scope.select(Ticket, Ticket, Customer, Channel.name))
        if before is not None:
            query = query.where(Ticket.number < before)
        if status:
            query = query.where(Ticket.status == status)
        rows = (await scope.session.execute(query.order_by(Ticket.number.desc()).limit(limit))).all()
    items = [_ticket(*row) for row in rows]
    return TicketPage(items=items, next=items[-1].number if len(items) == limit else None)


@router.get("/tickets/{number}")
async def ticket(number: Number, caller: Caller, desk: Desk) -> TicketDetail:
    """One ticket with its drafts, the newest first."""
    async with desk.db.read(caller.organization_id) as scope:
        row = (
            await scope.session.execute(
                _tickets(scope.select(Ticket, Ticket, Customer, Channel.name)).where(Ticket.number == number)
            )
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no ticket #{number}.")
        drafts = await scope.session.scalars(
            scope.select(Draft).where(Draft.ticket_id == row[0].id).order_by(Draft.id.desc()).limit(50)
        )
        rows = [DraftRow.model_validate(draft, from_attributes=True) for draft in drafts]
    return TicketDetail(**_ticket(*row).model_dump(), drafts=rows)


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


def _ticket(row: Ticket, customer: Customer, channel: str) -> TicketRow:
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
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _message(row: Message) -> MessageRow:
    return MessageRow(
        id=row.id,
        author=row.author,
        name=row.speaker or "",
        text=row.text,
        citations=row.citations,
        confidence=row.confidence,
        helpful=row.helpful,
        outcome=row.outcome,
        analysis=row.analysis,
        created_at=row.created_at,
    )


def _display(customer: Customer) -> str:
    return customer.name or customer.email or f"Visitor {customer.id.hex[-6:]}"
