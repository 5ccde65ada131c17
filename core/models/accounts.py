"""Organizations, their people and keys, the channels they connected, and what they used."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import Identified, JsonObject, Model, Tenant


class Organization(Identified, Model):
    __tablename__ = "organizations"

    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    settings: Mapped[JsonObject] = mapped_column(default=dict)
    monthly_answers: Mapped[int | None]
    """The plan's automatic answers a calendar month (UTC); None is no limit."""
    knowledge_version: Mapped[int] = mapped_column(default=0)
    """Counts changes of the knowledge, so that every process knows when its index is stale."""
    categories_version: Mapped[int] = mapped_column(default=0)
    """Counts changes of the categories and their examples, likewise."""
    calibration: Mapped[JsonObject | None]
    """What its confidence has proved to be worth: see `core.calibration`."""
    last_ticket_number: Mapped[int] = mapped_column(default=1000)


class Member(Tenant, Model):
    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("organization_id", "email"), Index(None, "email"))

    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16), default="agent")
    """`admin` or `agent`."""
    password_hash: Mapped[str | None] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None]
    away: Mapped[bool] = mapped_column(default=False)
    """Gets no tickets by itself while away."""
    last_assigned_at: Mapped[datetime | None]


class ApiKey(Tenant, Model):
    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "organization_id"),)

    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key. The key itself has 256 random bits, so a slow hash would add nothing."""
    hint: Mapped[str] = mapped_column(String(16))
    revoked_at: Mapped[datetime | None]


class Channel(Tenant, Model):
    __tablename__ = "channels"
    __table_args__ = (Index(None, "organization_id", "kind"),)

    kind: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[str] = mapped_column(String(64), unique=True)
    """What the outside names the channel by: a widget's site key, the last part of a webhook's address."""
    account: Mapped[str | None] = mapped_column(String(64), index=True)
    """The account at the vendor, where one there may serve several channels: a workspace."""
    settings: Mapped[JsonObject] = mapped_column(default=dict)
    sealed_secrets: Mapped[bytes | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    state: Mapped[JsonObject | None]
    """The connector's note to itself on how far it has read."""
    problem: Mapped[str | None] = mapped_column(Text)
    """What is wrong with it just now, for the admin; it goes on trying."""
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    """The process that listens to the outside for this channel, until `lease_until`."""
    lease_until: Mapped[datetime | None]


class Usage(Tenant, Model):
    __tablename__ = "usage"
    __table_args__ = (UniqueConstraint("organization_id", "month"),)

    month: Mapped[str] = mapped_column(String(7))
    """`2026-11`, in UTC."""
    received: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0)
    escalated: Mapped[int] = mapped_column(default=0)


class AuditEntry(Tenant, Model):
    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "organization_id", "subject_id"),)

    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    """None when the product acted by itself."""
    action: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[UUID | None]
    details: Mapped[JsonObject] = mapped_column(default=dict)


class Alert(Tenant, Model):
    """Something that an admin has to know, once however often it happens."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "organization_id",
            "key",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    key: Mapped[str] = mapped_column(String(200))
    """What it is about: while an alert is open, another of the same key only counts."""
    text: Mapped[str] = mapped_column(Text)
    times: Mapped[int] = mapped_column(default=1)
    mailed_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
