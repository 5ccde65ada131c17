"""What the graph is given, what its nodes write, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from core.agent.profile import Profile
from core.agent.verify import Finding
from core.knowledge.index import Hit, KnowledgeIndex, Retrieval
from core.messages import Author, Citation
from core.nlp.categorizer import Categorizer
from core.nlp.encoder import Encoding
from core.nlp.intents import Courtesy
from core.nlp.sensitive import Kind as Sensitive
from core.nlp.sentiment import Sentiment

Action = Literal["answer", "clarify", "courtesy", "escalate", "route"]
"""`clarify` asks back which of a few articles is meant; `route` hands over without offering a draft."""
REPLIES: frozenset[Action] = frozenset({"answer", "clarify", "courtesy"})
"""What is sent to the customer without a person."""
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
    quote: str = ""
    """What an older message said that this one replies to, where the channel tells."""
    quota_left: bool = True
    categories: Categorizer = field(default_factory=Categorizer)
    without: frozenset[str] = frozenset()
    """Ids of articles not to draw on: an agent has seen what they say, and wants another draft."""
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
    courtesy: Courtesy | None = None
    sensitive: Sensitive | None = None
    repeated: bool = False
    asked_back: bool = False
    """Our last message asked which of a few articles was meant."""
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
    unproven: tuple[str, ...] = ()
    """Of a draft: its sentences that no passage proves, for the person to look at first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that is still to be judged by its proof."""

    text: str
    sources: tuple[Hit, ...]
    """Every passage it may rest on."""
    citations: tuple[Citation, ...] = ()
    """Of a quoted answer; a written one cites what proves the sentences that are left of it."""
    findings: tuple[Finding, ...] | None = None
    """Of a written answer, whose sentences were checked as they came, each against the sources it names."""


class TurnState(TypedDict, total=False):
    question: Question
    encoding: Encoding
    searched: str
    """The question as it stands by itself: a follow-up with what it follows up on."""
    asked: str
    """What an answer is quoted for: of a follow-up, what it newly asks."""
    retrieval: Retrieval
    reading: Reading
    decision: Decision
    proposal: Proposal
    answer: Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the turn says, not yet sent. `answer` is the reply, or the draft when `decision` hands over."""

    decision: Decision
    reading: Reading
    answer: Answer | None
    confidence: float
