"""What an organization sorts its messages into."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import Model, Tenant


class Category(Tenant, Model):
    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    name: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(500))
    vector: Mapped[bytes | None]
    """Of name and description, as in `CategoryExample`."""
    encoder: Mapped[str | None] = mapped_column(String(64))


class CategoryExample(Tenant, Model):
    """A message of this category: written by an admin, or learned when an agent corrected one."""

    __tablename__ = "category_examples"
    __table_args__ = (Index(None, "organization_id"), UniqueConstraint("message_id"))

    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), index=True)
    """None: an agent said that it belongs to no category."""
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    """Of a learned example. It goes when the message goes."""
    text: Mapped[str] = mapped_column(Text)
    """Without personal data, if it was learned."""
    vector: Mapped[bytes | None]
    """Little-endian float32, L2-normalised; None until it is first needed."""
    encoder: Mapped[str | None] = mapped_column(String(64))
    """Who made the vector: another encoder makes it anew."""
