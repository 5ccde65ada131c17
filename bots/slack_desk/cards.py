"""What a ticket's thread shows, as plain values: read from the database in `reading.py`, drawn in `blocks.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from core.messages import Citation


@dataclass(frozen=True, slots=True)
class TicketCard:
    number: int
    subject: str
    status: str
    reason: str
    """In words."""
    priority: str
    category: str | None
    mood: str | None
    source: str
    """The name of the channel that the customer wrote through."""
    customer: str
    question: str
    """The customer's message that the ticket was opened for; what they wrote since is in the thread."""
    url: str | None
    """The ticket in the console."""
    assignee: str | None = None
    resolved_by: str | None = None
    due_at: datetime | None = None
    """When an answer is due; None once somebody has replied."""
    overdue: bool = False
    snoozed_until: datetime | None = None
    merged_into: int | None = None
    spam: bool = False
    blocked: bool = False
    """What the customer writes makes no ticket any more."""
    handler: Literal["bot", "person"] = "person"
    rating: int | None = None
    rating_comment: str | None = None


@dataclass(frozen=True, slots=True)
class DraftCard:
    id: UUID
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    state: str
    version: int
    site: str = ""
    """What the addresses of sources that begin with `/` are relative to."""
    unproven: tuple[str, ...] = ()
    decided_by: str | None = None
    decided_at: datetime | None = None
    edited: bool = False
    taken_back: bool = False
    """It was sent, and called back before it left or after."""
    reject_reason: str | None = None


@dataclass(frozen=True, slots=True)
class MessageCard:
    """Something that was said in the conversation, by either side."""

    id: UUID
    author: str
    name: str
    text: str
    at: datetime
    files: tuple[str, ...] = ()
    """Names and what became of them."""
    state: Literal["received", "held", "queued", "sent", "failed", "retracted"] = "received"
    trouble: str | None = None
    """Why it could not be delivered so far."""
    edited: bool = False
    undo: bool = False
    """It can still be taken back."""


@dataclass(frozen=True, slots=True)
class NoteCard:
    id: UUID
    name: str
    text: str
    at: datetime
