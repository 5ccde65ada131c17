"""What limits a statement: "up to 10 kg" is not "10 kg and more", and "on Sundays only" is not "any day"."""

import re
from collections.abc import Iterator
from typing import Literal

from core.agent.evidence import days_and_months, denials, is_light, stems
from core.agent.facts import CURRENCIES, Fact, FoundFact, facts_in

Bound = Literal["least", "most"]

_BETWEEN = r"\s+(?:(?:the|a|an|about|around|approximately|orders? of|an? (?:age|amount|order) of)\s+)*$"
_MOST_BEFORE = re.compile(
    r"\b(?:up to|at most|until|till|by|before|within|(?:less|fewer|no more|not more|no later|not later) than"
    rf"|under|below|maximum(?: of)?|max\.?|limited to|does not exceed){_BETWEEN}",
    re.IGNORECASE,
)
_LEAST_BEFORE = re.compile(
    r"\b(?:at least|from|starting (?:at|from)|after|since|over|above|(?:more|longer|older|no less|not less) than"
    rf"|not before|minimum(?: of)?|min\.?|exceed(?:s|ing)?){_BETWEEN}",
    re.IGNORECASE,
)
_LEAST_AFTER = re.compile(
    r"\s?(?:(?:or|and) (?:more|older|longer|over|above|up|upwards|later|higher|heavier|larger|bigger)|at least|minimum"
    r"|at the earliest|onwards?)\b",
    re.IGNORECASE,
)
_MOST_AFTER = re.compile(
    r"\s?(?:or (?:less|fewer|younger|shorter|under|below|earlier|lower|lighter|smaller)|at (?:the )?most|maximum"
    r"|at the latest)\b",
    re.IGNORECASE,
)
# "until 24 hours before" and "at least 24 hours before" say the same.
_LEAD_TIME = re.compile(r"\s?(?:before|in advance|ahead|beforehand|prior|earlier)\b", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:-|–|to|until|till|and)\s?", re.IGNORECASE)

_ONLY = re.compile(r"\b(?:only|exclusively|solely)\b", re.IGNORECASE)
_STATEMENT_END = re.compile(r"[,;:.!?()]")
_PART = re.compile(r"[,;]|\b(?:and|but)\b|\b(?=without\b)", re.IGNORECASE)


def bounds(text: str) -> Iterator[tuple[Fact, Bound | None]]:
    """The numbers and times of a text, each with the side on which the text bounds it, if it does."""
    found = [one for one in facts_in(text) if one.fact.kind in ("number", "time")]
    for place, here in enumerate(found):
        before = found[place - 1] if place else None
        after = found[place + 1] if place + 1 < len(found) else None
        if after and _is_range(text, here, after):
            yield here.fact, "least"
        elif before and _is_range(text, before, here):
            yield here.fact, "most"
        else:
            yield here.fact, _bound(text[: here.start], text[here.end :])


def _is_range(text: str, one: FoundFact, other: FoundFact) -> bool:
    between = text[one.end : other.start]
    if one.fact.kind != other.fact.kind or not _RANGE.fullmatch(between):
        return False
    return between.strip().lower() != "and" or bool(re.search(r"\bbetween\s*$", text[: one.start], re.IGNORECASE))


def _bound(before: str, after: str) -> Bound | None:
    if _LEAD_TIME.match(after):
        return None
    if _LEAST_AFTER.match(after):
        return "least"
    if _MOST_AFTER.match(after) or _MOST_BEFORE.search(before):
        return "least" if re.search(r"\bnot before\s*$", before, re.IGNORECASE) else "most"
    return "least" if _LEAST_BEFORE.search(before) else None


def restricted_to(text: str) -> list[frozenset[str]]:
    """The words to which each "only" of a statement restricts it: the two behind it, or those before its end."""
    found = []
    for match in _ONLY.finditer(text):
        behind, ahead = text[match.end() :], text[: match.start()]
        following = _STATEMENT_END.split(behind, maxsplit=1)[0].split()
        found.append(stems(" ".join(following[:2] if following else ahead.split()[-2:])))
    return [words for words in found if words]


def restricts(text: str) -> bool:
    return bool(_ONLY.search(text))


def parts(text: str) -> list[frozenset[str]]:
    """What a sentence says in each of its parts, in their telling words: of whom, and what of them."""
    found = (frozenset(word for word in stems(part) if not is_light(word)) for part in _PART.split(text))
    return [words for words in found if words]


def before_denial(text: str) -> frozenset[str]:
    """The words of the parts of a statement before the first that denies something."""
    found = frozenset[str]()
    for part in _PART.split(text):
        if denials(part):
            break
        found |= stems(part)
    return found


def crosses(ours: frozenset[str], one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether a part gives to one what is said of the other: "the garage is free", of "parking in the garage costs
    €18, parking in the yard is free"."""
    return bool(one & other) and bool(ours & (one - other)) and bool(ours & (other - one))


_ANCHOR = re.compile(r"\s*(?:of|after|from|since|before)\s+([^,;:.!?()]*)")
_RATE = re.compile(r"\s*(?:(?:per|an?|each|every|for (?:each|every))\s+|/\s*)([a-z]+)", re.IGNORECASE)
_TAIL = re.compile(r"([^,;:.!?()]*)")


def anchors(text: str) -> list[tuple[Fact, frozenset[str]]]:
    """Of each number, what it is counted from: of "14 days of registering the return" the return's registration."""
    found = []
    for fact in facts_in(text):
        match = _ANCHOR.match(text, fact.end) if fact.fact.kind == "number" and fact.fact.unit else None
        if match and (words := stems(" ".join(match[1].split()[:3]))):
            found.append((fact.fact, words))
    return found


def tails(text: str) -> list[tuple[Fact, frozenset[str]]]:
    """Of each number the words behind it, as far as its statement or the next number."""
    found = facts_in(text)
    ends = (*(other.start for other in found[1:]), len(text))
    measured = [(one, end) for one, end in zip(found, ends, strict=False) if one.fact.kind in ("number", "time")]
    return [(one.fact, stems(match[1])) for one, end in measured if (match := _TAIL.match(text, one.end, end))]


def rates(text: str) -> list[tuple[Fact, str | None]]:
    """Of each amount of money what it is for each of, as a stem: the month of "£9 a month" and "£9 per month"."""
    found = []
    for one in facts_in(text):
        if one.fact.kind == "number" and one.fact.unit in CURRENCIES:
            match = _RATE.match(text, one.end)
            found.append((one.fact, next(iter(stems(match[1])), None) if match else None))
    return found


def hours_by_day(text: str) -> dict[Fact, frozenset[str]]:
    """The days that stand before each time of day, or behind it where the first time comes before any day."""
    times = [one for one in facts_in(text) if one.fact.kind == "time"]
    found: dict[Fact, frozenset[str]] = {}
    borders = [0, *(one.end for one in times)]
    behind = bool(times) and not days_and_months(text[: times[0].start])
    known = frozenset[str]()
    for place, one in enumerate(times):
        if behind:
            rest = text[one.end : times[place + 1].start if place + 1 < len(times) else len(text)]
        else:
            rest = text[borders[place] : one.start]
        known = days_and_months(rest) or (frozenset() if behind else known)
        found[one.fact] = found.get(one.fact, frozenset()) | known
    return found
