"""The proof of an answer: each of its sentences is tied to a passage that says the same, or it is not sent.

Pure and cheap. It errs on the side of refusing: a true sentence in new words may be cut, an invented number,
link, name, promise or a turned negation must not get through.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from core.agent.evidence import (
    Clause,
    Evidence,
    Unit,
    clauses,
    days_and_months,
    evidence,
    instructs,
    is_light,
    is_neutral,
    listed,
    neighbours,
    opposites,
    pieces,
    plain_words,
    quotable,
    stems,
    unmarked,
    unproven_promise,
    without_number,
    without_opening,
)
from core.agent.facts import Fact, facts_in
from core.knowledge.sentences import sentences

Reason = Literal["number", "link", "code", "name", "polarity", "promise", "mixed_up", "instruction", "not_said"]
"""`mixed_up`: every part is said somewhere, but of something else (the price of another row)."""

_SUBORDINATE = re.compile(r"(?:if|when|after(?! that)|before|until|unless|once|as soon as)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"(?:they|it|this|these|those|he|she)\b", re.IGNORECASE)

SAID = 0.66
SAID_IN_CLAUSE = 0.5
SAID_ANYWHERE = 0.76
NEAR_COPY = 0.8


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
        refusal = _Trial(claim, proof, previous, question).refusal()
        if refusal is None:
            return Finding(sentence, True, passage=number)
        reasons.append((_share(stems(claim), proof.words), refusal))
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
    return _share(asked, stems(cut.sentence)) > max(_share(asked, stems(finding.sentence)) for finding in kept)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One claim against one passage."""

    claim: str
    proof: Evidence
    previous: str
    question: str

    def refusal(self) -> Reason | None:
        """Why the passage does not prove the claim; None if it does."""
        return self._unknown_fact() or self._unknown_name() or self._not_said() or self._said_otherwise()

    def _unknown_fact(self) -> Reason | None:
        for found in facts_in(self.claim):
            if not any(_has(unit, found.fact) for unit in self.proof.units) and not self._echoed(found.fact):
                return _reason_of(found.fact)
        days = days_and_months(self.claim)
        return "number" if days - days_and_months(self.proof.plain) else None

    def _echoed(self, fact: Fact) -> bool:
        """An order number of the customer's own may be repeated."""
        long_number = fact.kind == "number" and not fact.unit and len(fact.value) >= 4
        return long_number and f"{fact.value}" in self.question

    def _unknown_name(self) -> Reason | None:
        plain = self.claim
        for found in reversed(facts_in(plain)):
            plain = f"{plain[: found.start]}0{plain[found.end :]}"
        for word in plain.split()[1:]:
            bare = word.strip(".,;:!?()\"'“”‘’*")
            name = bare[:1].isupper() and bare not in ("I", "I'm", "I'll", "I’m")
            if name and not stems(bare) <= self.proof.words and f" {bare.lower()} " not in self.proof.plain:
                return "name"
        return None

    def _not_said(self) -> Reason | None:
        words = stems(self.claim)
        if _share(words, self.proof.words) < SAID_ANYWHERE:
            return "not_said"
        for clause in self._clauses():
            if _share(clause.words, self._best_unit(clause.words)) < SAID_IN_CLAUSE:
                return "not_said"
        return "not_said" if self._said_by_parts(words) < SAID else None

    def _best_unit(self, words: frozenset[str]) -> frozenset[str]:
        unit = max(self.proof.units, key=lambda unit: _share(words, unit.words | unit.context), default=None)
        return unit.words | unit.context if unit else frozenset()

    def _said_by_parts(self, words: frozenset[str]) -> float:
        """The share said by the units that the clauses align with."""
        parts = {clause.words for clause in self._clauses()} | {stems(part) for part in self.claim.split(", ")}
        said = frozenset[str]().union(*(self._best_unit(part) for part in parts))
        return _share(words, said | (stems(self.question) & self.proof.words))

    def _clauses(self) -> list[Clause]:
        return [part for clause in clauses(self.claim) for part in listed(clause)]

    def _said_otherwise(self) -> Reason | None:
        for clause in self._clauses():
            unit, theirs = self._aligned(clause)
            if unit is None or theirs is None:
                continue
            if _denies_differently(clause, theirs, unit):
                return "polarity"
            if opposites(clause.text, theirs.text):
                return "polarity"
            if self._replaces_a_word(clause, theirs):
                return "not_said"
            if self._belongs_to_sibling(clause, unit):
                return "mixed_up"
            if unproven_promise(clause.text, self._around(unit)):
                return "promise"
        if self._joins_siblings():
            return "mixed_up"
        return self._misattributed() or ("mixed_up" if self._swapped() else None)

    def _around(self, unit: Unit) -> str:
        """The unit with its neighbours, and the heading over all."""
        at = self.proof.units.index(unit)
        return " ".join(near.text for near in (self.proof.units[0], *self.proof.units[max(0, at - 1) : at + 2]))

    def _joins_siblings(self) -> bool:
        """Whether "PayPal is charged when the parcel leaves" takes its condition from another item's."""
        aligned = [(clause, self._aligned(clause)[0]) for clause in self._clauses()]
        asked = stems(self.question)
        return any(
            unit is not None and other is not None and not unit.is_row and unit.beside(other)
            and _SUBORDINATE.match(condition.text) and not _SUBORDINATE.match(clause.text)
            and not clause.words <= other.words | other.context | asked
            for (clause, unit), (condition, other) in pairwise(aligned)
        )  # fmt: skip

    def _aligned(self, clause: Clause) -> tuple[Unit | None, Clause | None]:
        best: tuple[float, Unit | None, Clause | None] = (0.0, None, None)
        for unit in self.proof.units:
            for theirs in unit.clauses:
                direct = _weight(clause.words & theirs.words)
                score = direct + 0.3 * _weight(clause.words & (unit.words | unit.context) - theirs.words)
                if direct and score > best[0]:
                    best = (score, unit, theirs)
        return best[1], best[2]

    def _replaces_a_word(self, ours: Clause, theirs: Clause) -> bool:
        """Whether the clause has a telling word of its own in the place of one of theirs: "wide" for "narrow"."""
        own = {word for word in ours.words - self.proof.words - stems(self.question) if not is_light(word)}
        theirs_only = {word for word in theirs.words - stems(self.claim) if not is_light(word)}
        return bool(own) and bool(theirs_only)

    def _belongs_to_sibling(self, clause: Clause, unit: Unit) -> bool:
        """Whether a telling word stands only in another item or row of the same list or table."""
        if unit.group is None or _PRONOUN.match(unit.text):
            return False
        missing = {word for word in stems(self.claim) - unit.words - unit.context if not is_light(word)}
        siblings = [other for other in self.proof.units if unit.beside(other)]
        others = [other for other in self.proof.units if other.group != unit.group]
        measured = (Clause("", words, 0) for words, _ in pieces(self.claim))
        claimed = [self._aligned(other)[0] for other in (*self._clauses(), *measured)]
        return any(
            any(word in sibling.words for sibling in siblings if sibling not in claimed)
            and not any(word in other.words for other in others)
            for word in missing & clause.words
        )

    def _misattributed(self) -> Reason | None:
        """Whether a number belongs to something else: of all statements with a number of its kind, the one
        that is most about the same thing has to have this number."""
        for words, facts in pieces(self.claim):
            about = words or stems(self.previous)
            for found in facts:
                measured = found.fact.kind in ("number", "time") and not self._echoed(found.fact)
                if measured and self._better_elsewhere(about, found.fact):
                    return "mixed_up"
        return None

    def _better_elsewhere(self, about: frozenset[str], fact: Fact) -> bool:
        whole = stems(self.claim) | (stems(self.previous) if len(about) < 3 else frozenset())
        right = wrong = -1.0
        for unit in self.proof.units:
            for words, facts in unit.pieces:
                rivals = [found.fact for found in facts if found.fact.comparable(fact)]
                score = _weight(about & (words | unit.context)) + 0.5 * _weight(whole & unit.words)
                if any(fact.same(rival, unit_elsewhere=unit.is_row) for rival in rivals):
                    right = max(right, score)
                elif rivals:
                    wrong = max(wrong, score)
        return wrong > right + 0.4

    def _swapped(self) -> bool:
        """Whether a near copy of one statement has two of its numbers in each other's place."""
        words, ours = stems(self.claim), neighbours(self.claim)
        for unit in self.proof.units:
            if min(_share(words, unit.words), _share(unit.words, words)) < NEAR_COPY or unit.is_row:
                continue
            theirs = neighbours(unit.text)
            if len({value for value, _ in theirs}) > 1 and any(
                not any(around & places for value, places in theirs if value == fact) for fact, around in ours
            ):
                return True
        return False


def _has(unit: Unit, fact: Fact) -> bool:
    return any(fact.same(found.fact, unit_elsewhere=unit.is_row) for _, facts in unit.pieces for found in facts)


def _denies_differently(ours: Clause, theirs: Clause, unit: Unit) -> bool:
    """Of two statements in nearly the same words, both have to deny equally often; of looser ones, both or
    neither."""
    near = min(_share(ours.words, theirs.words), _share(theirs.words, ours.words)) >= NEAR_COPY
    if near and not unit.denied_by_heading:
        return ours.denials != theirs.denials
    return ours.negated != theirs.negated and _share(ours.words, theirs.words | unit.context) >= 0.4


def _reason_of(fact: Fact) -> Reason:
    if fact.kind in ("link", "email"):
        return "link"
    return "code" if fact.kind == "code" else "number"


def _weight(words: frozenset[str]) -> float:
    return sum(0.35 if is_light(word) else 1.0 for word in words)


def _share(words: frozenset[str], said: frozenset[str]) -> float:
    whole = _weight(words)
    return _weight(words & said) / whole if whole else 1.0
