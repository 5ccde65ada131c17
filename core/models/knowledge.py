"""The business's documents and their embedded passages, in one database so that both change in one transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.models.columns import Model, Tenant, now


class Document(Tenant, Model):
    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("organization_id", "slug"),)

    slug: Mapped[str] = mapped_column(String(200))
    """The article's id: a file's stem, or a FAQ entry's id."""
    title: Mapped[str] = mapped_column(String(500))
    url: Mapped[str | None] = mapped_column(String(2000))
    source: Mapped[str] = mapped_column(String(500))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the views and of the encoder's name: an unchanged article is not embedded again."""
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Passage(Tenant, Model):
    """One view of a document that can be found: its title, a question it answers, a heading, a passage."""

    __tablename__ = "passages"
    __table_args__ = (Index(None, "organization_id"),)

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    heading: Mapped[str] = mapped_column(String(500))
    text: Mapped[str] = mapped_column(Text)
    """What is embedded and matched."""
    body: Mapped[str] = mapped_column(Text)
    """What may be shown and quoted."""
    vector: Mapped[bytes]
    """Little-endian float32, L2-normalised."""
    tokens: Mapped[bytes]
    """`core.nlp.tokens.Tokens`; none in what was embedded before they were kept."""
