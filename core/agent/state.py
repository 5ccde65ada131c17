"""What the graph is given, what its nodes write, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict

from core.agent.profile import Profile
from core.knowledge.index import KnowledgeIndex, Retrieval
from core.messages import Author, Citation
from core.nlp.encoder import Encoding
from core.nlp.sentiment import Sentiment

Action = Literal["answer", "courtesy", "escalate", "route"]
"""`route` hands over without offering a draft."""
Reason = Literal[
    "asked_for_human",
    "no_knowledge",
    "low_confidence",
    "frustrated",
    "sensitive",
    "repeated",
    "mode_draft",
    "quota",
    "error",
]


@dataclass(frozen=True, slots=True)
class Utterance:
    """An earlier message of the conversation."""

    author: Author
    text: str
    frustration: float = 0.0
    """Of this message alone; 0 for ours."""


@dataclass(frozen=True, slots=True)
class Question:
    """One customer message with everything needed to deal with it. The graph reads nothing else."""

    text: str
    knowledge: KnowledgeIndex
    profile: Profile
    history: tuple[Utterance, ...] = ()
    """Oldest first, this message excluded."""
    quota_left: bool = True
    stream: Callable[[str], None] | None = None
    """Called with each piece of a generated answer once it has been verified."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the message is, apart from what it asks."""

    sentiment: Sentiment
    frustration: float
    """Of the conversation so far, 0 to 1."""
    language: str
    wants_human: bool = False
    courtesy: Literal["greeting", "thanks", "goodbye"] | None = None
    sensitive: bool = False
    repeated: bool = False
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    generated: bool = False


class TurnState(TypedDict, total=False):
    question: Question
    encoding: Encoding
    retrieval: Retrieval
    reading: Reading
    decision: Decision
    answer: Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the turn says, not yet sent. `answer` is the reply, or the draft when `decision` hands over."""

    decision: Decision
    reading: Reading
    answer: Answer | None
    confidence: float
