"""A passage's body taken apart for quoting: its blocks, the sentences in them, and a table's records."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from core.knowledge.lexical import Words, content_words
from core.knowledge.records import MARK, is_record, name_of
from core.knowledge.sentences import sentences

_LIST = re.compile(r"- |\d+\. ")
_CODE = re.compile(r"\b(?=[\w-]*[A-Za-z])(?=[\w-]*\d)\w[\w-]{2,}\w\b")
_SHORT_NAME = re.compile(r"(?<!['’\w])(?!I\b|A\b)[A-Z]{1,4}\b")
AS_GOOD = 0.5  # of the best row's weight: such rows are named too, as in "by card or PayPal"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for: its stems, its codes ("pay-104"), and short names that only capitals tell from
    words (size "M", but not "I'm")."""

    stems: frozenset[str]
    codes: frozenset[str]
    short_names: frozenset[str]

    @classmethod
    def of(cls, question: str, words: Words) -> "Asked":
        codes = _CODE.findall(question)
        parts = {stem for code in codes for stem in words(code)}
        stems = frozenset(
            stem for stem in content_words(question, words) if (len(stem) > 1 or stem.isdigit()) and stem not in parts
        )
        shouted = question.isupper()
        short = frozenset() if shouted else frozenset(_SHORT_NAME.findall(question))
        return cls(stems, frozenset(code.lower() for code in codes), short)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a list or table with the line that leads into it. `start` and `end` are its place in the
    passage's body."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def records(self) -> list[str]:
        """The lines of a table; none if it is something else."""
        lines = self.text.split("\n")
        rows = lines[0 if lines[0].startswith(MARK) else 1 :]
        return rows if rows and all(map(is_record, rows)) else []

    @property
    def lead_in(self) -> str:
        first, _, _ = self.text.partition("\n")
        return "" if first.startswith(MARK) else first


def blocks(body: str) -> list[Block]:
    found, at = [], 0
    for text in body.split("\n\n"):
        found.append(Block(body.index(text, at), text))
        at = found[-1].end
    return found


def named_rows(rows: Sequence[str], asked: Asked, words: Words) -> tuple[list[str], frozenset[str]]:
    """The records that the question names by a code, a name or a word that few of them hold, with the stems it names
    them by; none if it means the table as a whole."""
    by_code = [row for row in rows if asked.codes and not asked.codes.isdisjoint(map(str.lower, _CODE.findall(row)))]
    if by_code:
        return by_code, frozenset()
    called = [name_of(row) for row in rows]
    if asked.short_names:
        by_name = [r for r, name in zip(rows, called, strict=True) if not asked.short_names.isdisjoint(name.split())]
        if 0 < len(by_name) <= len(rows) // 2:
            return by_name, frozenset()
    labels = [frozenset(words(name)) for name in called]
    # A bare number in a cell is an amount and names nothing.
    said = [
        label | {word for word in words(row) if not word.isdigit()} for row, label in zip(rows, labels, strict=True)
    ]
    holders = Counter(word for row in said for word in row & asked.stems)
    telling = {word: log(len(rows) / count) for word, count in holders.items()}
    weights = [
        sum(telling[word] * (2 if word in label else 1) for word in row & asked.stems)
        for row, label in zip(said, labels, strict=True)
    ]
    best = max(weights, default=0.0)
    chosen = [number for number, weight in enumerate(weights) if best > 0 and weight >= AS_GOOD * best]
    if not chosen or len(chosen) > len(rows) // 2:
        return [], frozenset()
    by = frozenset(word for number in chosen for word in said[number] & asked.stems if telling[word] > 0)
    return [rows[number] for number in chosen], by


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a whole list or table, by its place in a passage's body."""

    start: int
    end: int
    words: int
    weight: float


def units(body: str, wanted: Collection[str], words: Words) -> list[Unit]:
    """`weight` is how much a unit says of the `wanted` stems; those that few units say count for more."""
    spans = _spans(body)
    found = [set(words(body[start:end])).intersection(wanted) for start, end in spans]
    holders = Counter(word for stems in found for word in stems)
    return [
        Unit(start, end, count(body[start:end]), sum(log(1 + len(spans) / holders[word]) for word in stems))
        for (start, end), stems in zip(spans, found, strict=True)
    ]


@lru_cache(maxsize=1024)
def _spans(body: str) -> tuple[tuple[int, int], ...]:
    """Where the units of a passage lie; the same for every question."""
    spans: list[tuple[int, int]] = []
    for block in blocks(body):
        if "\n" in block.text or _LIST.match(block.text):
            spans.append((block.start, block.end))
            continue
        inside = block.start
        for sentence in sentences(block.text):
            begin = body.index(sentence, inside)
            inside = begin + len(sentence)
            spans.append((begin, inside))
    return tuple(spans)


def best_run(found: Sequence[Unit], longest: int) -> tuple[int, int]:
    """The first and last of the neighbouring units, together at most `longest` words unless one alone is longer, that
    say most of what is wanted; without any that does, the first ones."""
    best, run = (0.0, 0, 0), (0, 0)
    for first in range(len(found)):
        total, weight = 0, 0.0
        for last in range(first, len(found)):
            total += found[last].words
            if total > longest and last > first:
                break
            weight += found[last].weight
            # Of runs that say as much the longer one reads better, of those the earlier.
            if (rank := (round(weight, 6), last - first, -first)) > best:
                best, run = rank, (first, last)
    return run


def count(text: str) -> int:
    return len(text.split())
