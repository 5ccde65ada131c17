"""What people work on: tickets, the drafts offered with them, and what they note among themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import Identified, JsonObject, Model, Tenant, now

OPEN = "status <> 'resolved'"
PENDING = "state = 'pending'"
UNDONE = "done_at IS NULL"


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
    snoozed_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """When the customer should have heard from a person; None while nobody waits."""
    overdue_at: Mapped[datetime | None]
    """When it was noticed that `due_at` had passed, for this wait."""
    assigned_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None] = mapped_column(String(8))
    """`solved`, `spam` or `merged`, once resolved."""
    merged_into: Mapped[int | None]
    """The number of the ticket that it was merged into."""
    rating: Mapped[int | None]
    """What the customer said of it, 1 (bad) to 5 (good)."""
    rating_comment: Mapped[str | None] = mapped_column(Text)
    rated_at: Mapped[datetime | None]


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
    unproven: Mapped[list[Any]] = mapped_column(default=list)
    """Its sentences that no passage proves."""
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(String(8), default="pending")
    """`pending`, `sent`, `rejected`, or `stale` once the customer has written again or a newer draft is there."""
    version: Mapped[int] = mapped_column(default=1)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None]
    sent_message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    """What became of it, once sent."""
    reject_reason: Mapped[str | None] = mapped_column(String(24))


class Sent(Tenant, Model):
    """A regular report that went out, so that it goes out once."""

    __tablename__ = "sent_reports"
    __table_args__ = (UniqueConstraint("channel_id", "name", "period"),)

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(16))
    period: Mapped[str] = mapped_column(String(16))
    """`2026-11-26`, or `2026-W48`."""
    place: Mapped[str | None] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(64))
    """Where it stands; None while it does not, or no longer."""


class Note(Tenant, Model):
    """What agents say among themselves about a ticket. Customers never see it."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("organization_id", "external_id"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    external_id: Mapped[str | None] = mapped_column(String(320))
    """The id it has where it was written, if that is not here: it is stored once."""
    text: Mapped[str] = mapped_column(Text)
    edited_at: Mapped[datetime | None]
    retracted_at: Mapped[datetime | None]


class DeskPost(Tenant, Model):
    """A message that a desk outside shows: our own mirror of its threads, which are never read back."""

    __tablename__ = "desk_posts"
    __table_args__ = (
        UniqueConstraint("channel_id", "kind", "subject_id"),
        # Two organizations may share a workspace, and one may have several: only all three name a message.
        UniqueConstraint("account", "place", "external_id"),
        Index(None, "ticket_id", "channel_id"),
    )

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """`ticket`, the thread's head; in it `earlier`, `message`, `draft`, `note`, `file`; `moved`, left behind."""
    subject_id: Mapped[UUID]
    """Of what it shows."""
    account: Mapped[str] = mapped_column(String(64))
    """The workspace."""
    place: Mapped[str] = mapped_column(String(64))
    """The channel there."""
    external_id: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    """Of what it shows: an unchanged one is not sent again."""


class DeskRemoval(Tenant, Model):
    """What a desk outside still shows of somebody who was erased here. It goes once the desk can be reached."""

    __tablename__ = "desk_removals"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    place: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    available_at: Mapped[datetime] = mapped_column(default=now, index=True)


class DeskPerson(Tenant, Model):
    """Whom we know behind an account of a workspace: a member, or nobody who may act."""

    __tablename__ = "desk_people"
    __table_args__ = (UniqueConstraint("organization_id", "account", "external_id"),)

    account: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(64))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    linked: Mapped[bool] = mapped_column(default=False)
    """By a one-time link, whatever the e-mail address."""
    link_key: Mapped[str | None] = mapped_column(String(64))
    """Of the one-time link that is open just now."""
    checked_at: Mapped[datetime] = mapped_column(default=now)


class WebhookEvent(Identified, Model):
    """A vendor's call, stored before it is acknowledged. It may concern several organizations, so it is nobody's."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_webhook_events_open", "lease_until", sqlite_where=text(UNDONE), postgresql_where=text(UNDONE)),
    )

    source: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str] = mapped_column(String(200))
    payload: Mapped[JsonObject] = mapped_column(default=dict)
    """Emptied once it is done."""
    attempts: Mapped[int]
    lease_until: Mapped[datetime]
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
