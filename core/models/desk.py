"""What people work on: tickets, and the drafts offered with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import Model, Tenant, now

OPEN = "status <> 'resolved'"
PENDING = "state = 'pending'"


class Ticket(Tenant, Model):
    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        # A conversation has at most one open ticket, whoever races to open it.
        Index(
            "uq_tickets_open",
            "conversation_id",
            unique=True,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
    )

    number: Mapped[int]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16), default="open")
    """`open`, `pending` (waiting for the customer) or `resolved`."""
    reason: Mapped[str] = mapped_column(String(32))
    """Why it was handed over: one of `core.agent.policy.Reason`."""
    priority: Mapped[str] = mapped_column(String(8), default="normal")
    """`low`, `normal`, `high` or `urgent`."""
    category: Mapped[str | None] = mapped_column(String(64))
    mood: Mapped[str | None] = mapped_column(String(16))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    updated_at: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]


class Draft(Tenant, Model):
    __tablename__ = "drafts"
    __table_args__ = (
        Index("ix_drafts_pending", "conversation_id", sqlite_where=text(PENDING), postgresql_where=text(PENDING)),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    """The customer's message that it answers."""
    text: Mapped[str] = mapped_column(Text)
    citations: Mapped[list[Any]] = mapped_column(default=list)
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(String(8), default="pending")
    """`pending`, `sent`, `rejected`, or `stale` once the customer has written again."""
    version: Mapped[int] = mapped_column(default=1)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None]
