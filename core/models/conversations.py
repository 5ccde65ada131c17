"""Customers and what they and we said. `messages` is also the queue in, `deliveries` the queue out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import JsonObject, Model, Tenant, now

PENDING = "state IN ('queued', 'working')"
"""The condition of the queues' partial indexes. SQLite uses one only for a query that says the same in literals."""
WAITING_FOR_DESK = "state = 'queued' AND ticket_id IS NOT NULL"


class Customer(Tenant, Model):
    __tablename__ = "customers"
    __table_args__ = (Index(None, "organization_id"),)

    name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    """As the customer gave it: shown to agents, never used to find someone unless `CustomerIdentity.verified`."""
    language: Mapped[str | None] = mapped_column(String(8))
    blocked_at: Mapped[datetime | None]
    """Since then what they write is kept, and that is all: no answer, no ticket."""


class CustomerIdentity(Tenant, Model):
    """Who a customer is on one channel: a visitor id, an e-mail address, a chat's id."""

    __tablename__ = "customer_identities"
    __table_args__ = (UniqueConstraint("channel_id", "external_id"),)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(320))
    verified: Mapped[bool] = mapped_column(default=False)
    unreachable: Mapped[str | None] = mapped_column(Text)
    """Why nothing arrives there, as the outside said; shown to agents."""


class Participant(Tenant, Model):
    """Someone beside the customer who takes part in a conversation: a colleague of theirs who got a copy."""

    __tablename__ = "participants"
    __table_args__ = (UniqueConstraint("conversation_id", "channel_id", "external_id"),)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(320))
    name: Mapped[str | None] = mapped_column(String(200))


class LinkCode(Tenant, Model):
    """A one-time code mailed to an address that a customer says is theirs; its digest, rather."""

    __tablename__ = "link_codes"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]


class Conversation(Tenant, Model):
    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "customer_id", "channel_id"),
        Index(None, "organization_id", "last_message_at"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    thread: Mapped[JsonObject] = mapped_column(default=dict)
    """The connector's note to itself, from the newest message."""
    subject: Mapped[str] = mapped_column(String(200), default="")
    handler: Mapped[str] = mapped_column(String(8), default="bot")
    """`bot` or `person`: who speaks next. With `person` the bot stays silent."""
    version: Mapped[int] = mapped_column(default=0)
    """Counts changes of the handler. A reply computed under an older version is dropped."""
    frustration: Mapped[float] = mapped_column(default=0.0)
    last_message_at: Mapped[datetime] = mapped_column(default=now)
    linked_to_id: Mapped[UUID | None]
    """The conversation that this one grew out of: somebody wrote in it who does not take part."""
    customer_seen_at: Mapped[datetime | None]
    """When the customer last looked, on channels that can tell."""


class Message(Tenant, Model):
    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        Index("ix_messages_conversation", "conversation_id", "id"),
        Index(
            "ix_messages_pending",
            "conversation_id",
            "id",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
    )

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    external_id: Mapped[str | None] = mapped_column(String(320))
    author: Mapped[str] = mapped_column(String(8))
    """`customer`, `ai`, `agent` or `system`."""
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    reply_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    """The customer's message that an `ai` message answers."""
    speaker: Mapped[str | None] = mapped_column(String(200))
    """The name shown to the customer for an `ai` or `agent` message. Of a customer's message: who wrote it, if it
    was another participant."""
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id", ondelete="SET NULL"))
    """The ticket of whose opening this message tells the customer."""
    kind: Mapped[str] = mapped_column(String(8), default="message")
    """`message`, `handover` (tells of a ticket), `rating` (asks how it was), or `greeting`."""
    text: Mapped[str] = mapped_column(Text)
    citations: Mapped[list[Any]] = mapped_column(default=list)
    confidence: Mapped[float | None]
    helpful: Mapped[bool | None]
    analysis: Mapped[JsonObject] = mapped_column(default=dict)
    """What the agent read in a customer's message: sentiment, urgency, language, category."""
    revision: Mapped[int] = mapped_column(default=0)
    """Counts edits, a retraction included."""
    edited_at: Mapped[datetime | None]
    retracted_at: Mapped[datetime | None]
    """Since then nobody is to see it any more; it is kept for the audit."""

    state: Mapped[str] = mapped_column(String(8), default="done")
    """A customer's message is `queued`, `working`, then `done`."""
    outcome: Mapped[str | None] = mapped_column(String(16))
    """How the turn ended: `answered`, `escalated` or `silent`."""
    attempts: Mapped[int] = mapped_column(default=0)
    available_at: Mapped[datetime] = mapped_column(default=now)
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    error: Mapped[str | None] = mapped_column(Text)


class Attachment(Tenant, Model):
    __tablename__ = "attachments"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int]
    content: Mapped[bytes]


class Delivery(Tenant, Model):
    """One message on its way to the customer, or a ticket on its way to a desk outside (with `ticket_id`).

    Its id is the idempotency key towards the provider.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("message_id", "channel_id", "revision"),
        Index(
            "ix_deliveries_desk",
            "ticket_id",
            "channel_id",
            sqlite_where=text(WAITING_FOR_DESK),
            postgresql_where=text(WAITING_FOR_DESK),
        ),
        Index(
            "ix_deliveries_pending",
            "conversation_id",
            "id",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
    )

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    action: Mapped[str] = mapped_column(String(8), default="send")
    """`send`, `edit` or `delete` of a message; `show` of a ticket."""
    revision: Mapped[int] = mapped_column(default=0)
    """Of the message that it sends."""
    recipient: Mapped[str | None] = mapped_column(String(320))
    """Where it goes, if not to the customer's identity on the channel: the address that a visitor left."""
    external_id: Mapped[str | None] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(8), default="queued")
    """`queued`, `working`, then `sent` or `dead`; `undone` if it was called back while it waited."""
    attempts: Mapped[int] = mapped_column(default=0)
    available_at: Mapped[datetime] = mapped_column(default=now)
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    """When the provider said that it arrived, if it says so."""
