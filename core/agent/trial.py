"""One statement against one passage: why the passage does not prove it, if it does not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from core.agent.evidence import (
    Clause,
    Evidence,
    Unit,
    clauses,
    days_and_months,
    is_light,
    listed,
    neighbours,
    opposites,
    pieces,
    stems,
    unproven_promise,
)
from core.agent.facts import Fact, facts_in
from core.agent.limits import (
    anchors,
    before_denial,
    bounds,
    crosses,
    hours_by_day,
    parts,
    rates,
    restricted_to,
    restricts,
    tails,
)

Reason = Literal["number", "link", "code", "name", "polarity", "promise", "mixed_up", "instruction", "not_said"]
"""`mixed_up`: every part is said somewhere, but of something else (the price of another row)."""

_SUBORDINATE = re.compile(r"(?:if|when|after(?! that)|before|until|unless|once|as soon as)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"(?:they|it|this|these|those|he|she)\b", re.IGNORECASE)

SAID = 0.66
SAID_IN_CLAUSE = 0.5
SAID_ANYWHERE = 0.76
NEAR_COPY = 0.8


@dataclass(frozen=True, slots=True)
class Trial:
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
        if share(words, self.proof.words) < SAID_ANYWHERE:
            return "not_said"
        for clause in self._clauses():
            if share(clause.words, self._best_unit(clause.words)) < SAID_IN_CLAUSE:
                return "not_said"
        return "not_said" if self._said_by_parts(words) < SAID else None

    def _best_unit(self, words: frozenset[str]) -> frozenset[str]:
        unit = max(self.proof.units, key=lambda unit: share(words, unit.words | unit.context), default=None)
        return unit.words | unit.context if unit else frozenset()

    def _said_by_parts(self, words: frozenset[str]) -> float:
        """The share said by the units that the clauses align with."""
        parts = {clause.words for clause in self._clauses()} | {stems(part) for part in self.claim.split(", ")}
        said = frozenset[str]().union(*(self._best_unit(part) for part in parts))
        return share(words, said | (stems(self.question) & self.proof.words))

    def _clauses(self) -> list[Clause]:
        return [part for clause in clauses(self.claim) for part in listed(clause)]

    def _said_otherwise(self) -> Reason | None:
        for clause in self._clauses():
            unit, theirs = self._aligned(clause)
            if unit is None or theirs is None:
                continue
            if _denies_differently(clause, theirs, unit) and not _agrees_beside(clause, theirs, unit):
                return "polarity"
            if opposites(clause.text, theirs.text):
                return "polarity"
            if self._unlimited(clause, theirs) or self._denied_beside(clause, unit):
                return "polarity"
            if self._on_another_day(clause, unit):
                return "number"
            if self._replaces_a_word(clause, theirs):
                return "not_said"
            if self._belongs_to_sibling(clause, unit):
                return "mixed_up"
            promise = unproven_promise(clause.text, self._around(unit))
            if promise and not stems(promise) & unit.context:
                return "promise"
        if self._bounded_otherwise():
            return "polarity"
        if self._joins_siblings() or self._crossed() or self._counted_otherwise() or self._on_other_hours():
            return "mixed_up"
        return self._misattributed() or ("mixed_up" if self._swapped() else None)

    def _bounded_otherwise(self) -> bool:
        """Whether a number is an upper limit in the claim and a lower one wherever the passage has it, or the like."""
        for fact, bound in bounds(self.claim):
            if bound:
                theirs = {side for unit in self.proof.units for other, side in bounds(unit.text) if fact.same(other)}
                if theirs and not theirs & {bound, None}:
                    return True
        return False

    def _unlimited(self, ours: Clause, theirs: Clause) -> bool:
        """Whether an "only" of theirs is missing, and to what it restricts the statement too."""
        if restricts(self.claim) or share(ours.words, theirs.words) < SAID_IN_CLAUSE:
            return False
        said = stems(self.claim) | stems(self.question)
        return any(words - said for words in restricted_to(theirs.text))

    def _denied_beside(self, ours: Clause, unit: Unit) -> bool:
        """Whether the clause grants what the same statement denies: "owners and admins" of "owners; admins cannot"."""
        if ours.negated or unit.denied_by_heading or _SUBORDINATE.match(ours.text):
            return False
        denied = frozenset[str]().union(*(other.words for other in unit.clauses if other.negated))
        granted = (other.words for near in self.proof.units for other in near.clauses if not other.negated)
        return any(not is_light(word) for word in ours.words & denied - frozenset[str]().union(*granted))

    def _on_another_day(self, ours: Clause, unit: Unit) -> bool:
        theirs = days_and_months(unit.text)
        return bool(theirs) and bool(days_and_months(ours.text) - theirs)

    def _counted_otherwise(self) -> bool:
        """Whether a number is counted from something else ("of receiving it"), or has another's words behind it."""
        known, said = stems(self.question), self.proof.units
        for fact, words in anchors(self.claim):
            theirs = [place for unit in said for other, place in anchors(unit.text) if fact.same(other)]
            if theirs and not any(words & (place | known) for place in theirs):
                return True
        return any(self._has_tail_of_another(fact, words) for fact, words in tails(self.claim) if words)

    def _rated_otherwise(self) -> bool:
        """Whether an amount is asked for each of something else: per person instead of per cabin."""
        for fact, rate in rates(self.claim):
            found = [(other, unit) for unit in self.proof.units for same, other in rates(unit.text) if fact.same(same)]
            said = any(rate == other or (other is None and rate in unit.words | unit.context) for other, unit in found)
            if rate and found and not said:
                return True
        return False

    def _has_tail_of_another(self, fact: Fact, words: frozenset[str]) -> bool:
        found = [tails(unit.text) for unit in self.proof.units if not unit.is_row]
        holding = [unit for unit in found if any(fact.same(other) for other, _ in unit)]
        own = [place for unit in holding for other, place in unit if fact.same(other)]
        rest = [place for unit in holding for other, place in unit if other.comparable(fact) and not fact.same(other)]
        return bool(own) and not any(words & place or not place for place in own) and any(words & at for at in rest)

    def _on_other_hours(self) -> bool:
        theirs = [hours_by_day(unit.text) for unit in self.proof.units]
        for fact, days in hours_by_day(self.claim).items():
            known = [hours[fact] for hours in theirs if fact in hours]
            if days and known and all(known) and not any(days & each for each in known):
                return True
        return False

    def _crossed(self) -> bool:
        """Whether something is said of one that the same sentence says of another."""
        own = parts(self.claim)
        for unit in self.proof.units:
            theirs = parts(unit.text)
            for one, other in pairwise(theirs):
                if any(crosses(part, one, other) and not any(part <= each for each in theirs) for part in own):
                    return True
        return False

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

    def _aligned(self, clause: Clause, among: Sequence[Unit] | None = None) -> tuple[Unit | None, Clause | None]:
        best: tuple[float, Unit | None, Clause | None] = (0.0, None, None)
        for unit in self.proof.units if among is None else among:
            for theirs in unit.clauses:
                direct = _weight(clause.words & theirs.words)
                score = direct + 0.3 * _weight(clause.words & (unit.words | unit.context) - theirs.words)
                if direct and score > best[0]:
                    best = (score, unit, theirs)
        return best[1], best[2]

    def _rows_under(self, unit: Unit) -> list[Unit]:
        """The rows of the table that the unit is the header of."""
        rows = [other for other in self.proof.units if unit.is_row and other.is_row and unit.beside(other)]
        return rows if all(unit.words <= other.context for other in rows) else []

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
        """Whether a number belongs to something else, or is for each of something else: of all statements with a number
        of its kind, the one that is most about the same thing has to have this number."""
        if self._rated_otherwise():
            return "number"
        for words, facts in pieces(self.claim):
            about = words or stems(self.previous)
            for found in facts:
                measured = found.fact.kind != "code" and not self._echoed(found.fact)
                if measured and self._better_elsewhere(about, found.fact):
                    return "mixed_up"
        return None

    def _better_elsewhere(self, about: frozenset[str], fact: Fact) -> bool:
        whole = stems(self.claim) | (stems(self.previous) if len(about) < 3 else frozenset())
        right = wrong = -1.0
        for unit in self.proof.units:
            for words, facts in unit.pieces:
                rivals = [found.fact for found in facts if found.fact.comparable(fact, unit_elsewhere=unit.is_row)]
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
            if min(share(words, unit.words), share(unit.words, words)) < NEAR_COPY or unit.is_row:
                continue
            theirs = neighbours(unit.text)
            if self._each_in_its_part(unit):
                continue
            if len({value for value, _ in theirs}) > 1 and any(
                not any(around & places for value, places in theirs if value == fact) for fact, around in ours
            ):
                return True
        return False

    def _each_in_its_part(self, unit: Unit) -> bool:
        """Whether each number of the claim stands with the words that the unit has beside it in a part of its own."""
        for words, facts in pieces(self.claim):
            own, rest = [0.0], [0.0]
            for about, theirs in unit.pieces:
                same = facts[0].fact in [found.fact for found in theirs]
                (own if same else rest).append(_weight(words & about))
            if len(facts) > 1 or not max(own) or max(own) < max(rest):
                return False
        return True


def _has(unit: Unit, fact: Fact) -> bool:
    return any(fact.same(found.fact, unit_elsewhere=unit.is_row) for _, facts in unit.pieces for found in facts)


def _denies_differently(ours: Clause, theirs: Clause, unit: Unit) -> bool:
    """Of two statements in nearly the same words, both have to deny equally often; of looser ones, both or
    neither."""
    near = min(share(ours.words, theirs.words), share(theirs.words, ours.words)) >= NEAR_COPY
    if near and not unit.denied_by_heading:
        return ours.denials != theirs.denials
    return ours.negated != theirs.negated and share(ours.words, theirs.words | unit.context) >= 0.4


def _agrees_beside(ours: Clause, theirs: Clause, unit: Unit) -> bool:
    """Whether another part of the statement, as negated as ours, says it: "but not to Italy", "bike stands and no
    car park"."""
    telling = {word for word in ours.words if not is_light(word)}
    missing = telling - theirs.words
    for other in unit.clauses:
        if (
            other.negated == ours.negated
            and telling
            and (telling <= other.words or (missing and missing <= other.words))
        ):
            return True
    return not ours.negated and bool(telling) and telling <= before_denial(theirs.text)


def _reason_of(fact: Fact) -> Reason:
    if fact.kind in ("link", "email"):
        return "link"
    return "code" if fact.kind == "code" else "number"


def _weight(words: frozenset[str]) -> float:
    return sum(0.35 if is_light(word) else 1.0 for word in words)


def share(words: frozenset[str], said: frozenset[str]) -> float:
    whole = _weight(words)
    return _weight(words & said) / whole if whole else 1.0
