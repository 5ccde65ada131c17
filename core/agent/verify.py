"""The proof of an answer: each of its sentences is tied to a passage that says the same, or it is not sent.

Pure and cheap. It errs on the side of refusing: a true sentence in new words may be cut, an invented number,
link, name, promise or a turned negation must not get through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.agent.evidence import (
    evidence,
    instructs,
    is_neutral,
    plain_words,
    quotable,
    stems,
    unmarked,
    without_number,
    without_opening,
)
from core.agent.facts import facts_in
from core.agent.trial import Reason, Trial, share
from core.knowledge.sentences import sentences


class Passage(Protocol):
    @property
    def heading(self) -> str: ...
    @property
    def body(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one sentence. `passage` is the place of its proof among the passages given."""

    sentence: str
    supported: bool
    reason: Reason | None = None
    passage: int | None = None

    @property
    def neutral(self) -> bool:
        """Supported because it states nothing."""
        return self.supported and self.passage is None


@dataclass(frozen=True, slots=True)
class Verification:
    findings: tuple[Finding, ...]
    text: str
    """The answer without what could not be proven."""
    sendable: bool
    """False if the rest must not go out by itself: a person has to look at it."""

    @property
    def proven(self) -> bool:
        return all(finding.supported for finding in self.findings)


def verify(answer: str, passages: Sequence[Passage], question: str = "") -> Verification:
    """Checks every sentence of `answer` against all `passages`."""
    findings: list[Finding] = []
    previous = ""
    for sentence in sentences(answer):
        findings.append(check(sentence, passages, question, previous))
        previous = sentence
    return verdict(answer, tuple(findings), question)


def check(sentence: str, passages: Sequence[Passage], question: str = "", previous: str = "") -> Finding:
    """Checks one sentence against the passages it cites. `previous` is what "it" may refer to."""
    text = unmarked(sentence).strip()
    if (quoted := _quoted(text, passages)) is not None:
        return Finding(sentence, True, passage=quoted)
    if instructs(text):
        return Finding(sentence, False, "instruction")
    if not plain_words(text) or (is_neutral(text) and not facts_in(text)):
        return Finding(sentence, True)
    claim = without_opening(without_number(text))
    if (quoted := _quoted(claim, passages)) is not None:
        return Finding(sentence, True, passage=quoted)
    return _tried(sentence, claim, passages, question, previous)


def _quoted(text: str, passages: Sequence[Passage]) -> int | None:
    """The passage that says exactly this, as a whole line or sentence."""
    words = plain_words(text)
    for number, passage in enumerate(passages):
        if words and words in quotable(passage.heading, passage.body):
            return number
    return None


def _tried(sentence: str, claim: str, passages: Sequence[Passage], question: str, previous: str) -> Finding:
    reasons: list[tuple[float, Reason]] = []
    for number, passage in enumerate(passages):
        proof = evidence(passage.heading, passage.body)
        refusal = Trial(claim, proof, previous, question).refusal()
        if refusal is None:
            return Finding(sentence, True, passage=number)
        reasons.append((share(stems(claim), proof.words), refusal))
    return Finding(sentence, False, max(reasons)[1] if reasons else "not_said")


def verdict(answer: str, findings: tuple[Finding, ...], question: str) -> Verification:
    """What is left of `answer` after its sentences were checked, and whether that may be sent."""
    kept = answer
    for finding in findings:
        if not finding.supported:
            kept = kept.replace(finding.sentence, "", 1)
    kept = "\n".join(" ".join(line.split(" ")).strip() for line in kept.splitlines()).strip()
    proven = [finding for finding in findings if finding.supported and not finding.neutral]
    cut = [finding for finding in findings if not finding.supported]
    sendable = bool(proven) and not any(_carried_the_point(finding, proven, question) for finding in cut)
    return Verification(findings, kept if sendable else "", sendable)


def _carried_the_point(cut: Finding, kept: Sequence[Finding], question: str) -> bool:
    """Whether the cut sentence was about what was asked, more than anything that is left."""
    if cut.reason in ("instruction", "polarity", "number", "mixed_up"):
        return True
    asked = stems(question)
    return share(asked, stems(cut.sentence)) > max(share(asked, stems(finding.sentence)) for finding in kept)
