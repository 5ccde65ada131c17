"""The two shapes a message has at the edge of the helpdesk: how it comes in, and how it goes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Literal
from uuid import UUID

SUBJECT_LENGTH = 80
JsonObject = dict[str, Any]
Author = Literal["customer", "ai", "agent", "system"]
MessageKind = Literal["message", "handover", "rating", "greeting", "language", "privacy"]
"""`handover` tells the customer of a ticket; `rating` asks how it was; `greeting` offers the common questions,
`language` the languages to choose from, and `privacy` to erase everything."""
Action = Literal["send", "edit", "delete"]


def quoting(text: str) -> str:
    """`text` as a connector puts what an older message said above the reply to it; "" of nothing."""
    lines = text.strip().splitlines()
    return "".join(f"> {line}\n" for line in lines) + "\n" if lines else ""


def without_quote(text: str) -> tuple[str, str]:
    """(what was newly written, what it quotes above that). Where nothing is left, all of it was newly written."""
    lines = text.splitlines()
    quoted = list(takewhile(lambda line: line.startswith(">"), lines))
    own = "\n".join(lines[len(quoted) :]).strip()
    return (own, "\n".join(line[1:].strip() for line in quoted)) if quoted and own else (text, "")


def subject_of(text: str) -> str:
    """What a message is about, on one line: its beginning."""
    line = " ".join(without_quote(text)[0].split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote, as the channel knows them.

    `external_id` is the channel's own name for them. `verified` says that the channel vouches for it: only
    then may the person be recognized as a customer known from elsewhere.
    """

    external_id: str
    name: str | None = None
    email: str | None = None
    language: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class InboundMessage:
    organization_id: UUID
    channel_id: UUID
    """The organization's connected channel."""
    external_id: str
    """The channel's own id; receiving it twice changes nothing."""
    author: Person
    text: str
    thread: JsonObject = field(default_factory=dict)
    """The connector's note to itself; core stores it, never reads it."""
    conversation_id: UUID | None = None
    """The conversation it belongs to, opened under this id if there is none yet. None joins the author's
    latest conversation on this channel."""
    attachments: tuple[Attachment, ...] = ()
    settle: timedelta = timedelta()
    """How long to wait for more of it (the rest of an album) before it is answered."""
    edited_at: datetime | None = None
    """When the customer last changed it, if this is not its first version."""
    answers: str | None = None
    """The external id of the customer's message, or what the connector returned for ours, that this one replies to:
    it joins that one's conversation if it is the author's, too."""
    subject: str = ""
    """What the customer called it; the beginning of the text where that is empty."""
    speaker: str = ""
    """Who wrote, if not the conversation's customer."""
    participants: tuple[Person, ...] = ()
    """Others who take part from now on."""
    linked_to: UUID | None = None
    """The conversation that the one which is opened grew out of."""
    automatic: str = ""
    """Why a program is taken to have written it; shown to agents."""
    silent: bool = False
    """Stored and shown, and answered by nobody: a command that the channel's bot sees to, an automatic mail."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement comes from: the article, its address if it has one, and the words relied on."""

    article: str
    title: str
    url: str | None
    quote: str

    def as_json(self) -> JsonObject:
        return {"article": self.article, "title": self.title, "url": self.url, "quote": self.quote}


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message of the same conversation that came before, for channels that quote."""

    author: Author
    name: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message for the customer, complete: a connector needs nothing else to send it."""

    delivery_id: UUID
    """The same at every try: the idempotency key towards the provider."""
    action: Action
    sent_as: str | None
    """What the connector returned when it sent this message, for `edit` and `delete`; None if it never did."""
    kind: MessageKind
    id: UUID
    organization_id: UUID
    channel_id: UUID
    conversation_id: UUID
    recipient: Person
    thread: JsonObject
    subject: str
    """The conversation's."""
    in_reply_to: str | None
    """The external id of the customer's newest message before it."""
    ticket_number: int | None
    author: Author
    name: str
    """Who speaks: the assistant's or the agent's name."""
    text: str
    """Markdown."""
    citations: tuple[Citation, ...]
    confidence: float | None
    created_at: datetime
    attachments: tuple[Attachment, ...] = ()
    choices: tuple[str, ...] = ()
    """What the customer may want to ask, with a `greeting`."""
    earlier: tuple[Earlier, ...] = ()
    """The newest first, a few at most."""
    others: tuple[Person, ...] = ()
    """Who else takes part in the conversation through this channel."""
