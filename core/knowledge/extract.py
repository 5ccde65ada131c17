"""Answers in the business's own words: a short article whole, else one passage or the best run of its
sentences.

Single best sentences are dangerous, because they lose the short "No, …" before them. So a run of neighbouring
sentences always comes with the first sentence of its section, and steps, lists and tables stay in one piece.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from core.knowledge.index import Hit, IndexedArticle, IndexedView
from core.knowledge.lexical import Words, content_words
from core.knowledge.questions import parts
from core.knowledge.sentences import sentences

LONGEST_WHOLE = 120  # words of an article, or of one passage, that are given whole
LONGEST_RUN = 90
LONGEST_QUOTE = 60

_LEANS_BACK = re.compile(
    r"(this|that|these|those|it|they|he|she|its|their|however|but|also|otherwise|then|so|instead|"
    r"in that case|if so|if not|yes|no)\b",
    re.IGNORECASE,
)
_LIST_OR_TABLE = re.compile(r"- |\d+\. |[^\n|]+ \| ")


@dataclass(frozen=True, slots=True)
class Quote:
    """`text` is an exact part of `passage.body`."""

    article: IndexedArticle
    passage: IndexedView
    text: str


@dataclass(frozen=True, slots=True)
class Extract:
    """`text` is made of parts of the cited passages' bodies and of their headings, nothing else."""

    text: str
    citations: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a whole list or table, by its place in a passage's body."""

    start: int
    end: int
    words: int
    weight: float


def extract(question: str, hits: Sequence[Hit]) -> Extract:
    """The answer from the first hit, and from a second passage where the question has a second part that
    this one answers and the first does not. Without a passage to quote, an empty extract."""
    words = Words()
    chosen = [hit for hit in hits[:1] if hit.passage is not None]
    if chosen and (second := _for_second_part(question, hits, words)):
        chosen.append(second)
    answers = [_answer(question, hit, words) for hit in chosen]
    return Extract(
        "\n\n".join(answer.text for answer in answers),
        tuple(quote for answer in answers for quote in answer.citations),
    )


def passages_of(article: IndexedArticle) -> list[IndexedView]:
    return sorted((view for view in article.views if view.kind == "passage"), key=lambda view: view.position)


def _answer(question: str, hit: Hit, words: Words) -> Extract:
    passage = hit.passage
    if passage is None:
        return Extract("", ())
    passages = passages_of(hit.article)
    wanted = set(content_words(question, words))
    if sum(_count(view.body) for view in passages) <= LONGEST_WHOLE:
        ordered = [passage, *(view for view in passages if view is not passage)]
        quotes = tuple(Quote(hit.article, view, _quote(view.body, wanted, words)) for view in ordered)
        return Extract(_together(passages), quotes)
    quote = Quote(hit.article, passage, _quote(passage.body, wanted, words))
    if _count(passage.body) <= LONGEST_WHOLE:
        return Extract(_with_heading(passage, passage.body), (quote,))
    return _run_of(hit.article, passage, passages, wanted, words)


def _run_of(
    article: IndexedArticle,
    passage: IndexedView,
    passages: Sequence[IndexedView],
    wanted: set[str],
    words: Words,
) -> Extract:
    units = _units(passage.body, wanted, words)
    first, last = _best_run(units, LONGEST_RUN)
    while first > 0 and _LEANS_BACK.match(passage.body, units[first].start):
        first -= 1
    if first == 1:
        first = 0
    run = passage.body[units[first].start : units[last].end]
    quotes = [Quote(article, passage, _quote(passage.body, wanted, words))]
    opening = next(view for view in passages if view.heading == passage.heading)
    if first == 0 and opening is passage:
        return Extract(_with_heading(passage, run), tuple(quotes))
    opener = _units(opening.body, wanted, words)[0]
    sentence = opening.body[opener.start : opener.end]
    if opening is not passage:
        quotes.append(Quote(article, opening, sentence))
    return Extract(_with_heading(opening, f"{sentence}\n\n{run}"), tuple(quotes))


def _together(passages: Sequence[IndexedView]) -> str:
    shown, heading = [], ""
    for view in passages:
        if view.heading != heading:
            heading = view.heading
            shown.append(f"{_last(heading)}\n{view.body}" if heading else view.body)
        else:
            shown.append(view.body)
    return "\n\n".join(shown)


def _with_heading(passage: IndexedView, text: str) -> str:
    """What stands under a heading often cannot be understood without it."""
    return f"{_last(passage.heading)}\n{text}" if passage.heading else text


def _last(heading: str) -> str:
    return heading.rsplit(" › ", 1)[-1]


def _quote(body: str, wanted: set[str], words: Words) -> str:
    units = _units(body, wanted, words)
    first, last = _best_run(units, LONGEST_QUOTE)
    return body[units[first].start : units[last].end]


def _best_run(units: Sequence[_Unit], longest: int) -> tuple[int, int]:
    """The neighbouring units, together at most `longest` words unless one alone is longer, that say most
    about the question; without any that does, the first ones."""
    best, found = (0.0, 0, 0), (0, 0)
    for first in range(len(units)):
        total, weight = 0, 0.0
        for last in range(first, len(units)):
            total += units[last].words
            if total > longest and last > first:
                break
            weight += units[last].weight
            # Of runs that say as much the longer one reads better, of those the earlier.
            if (rank := (round(weight, 6), last - first, -first)) > best:
                best, found = rank, (first, last)
    return found


def _units(body: str, wanted: set[str], words: Words) -> list[_Unit]:
    spans: list[tuple[int, int]] = []
    at = 0
    for block in body.split("\n\n"):
        start = body.index(block, at)
        at = start + len(block)
        if "\n" in block or _LIST_OR_TABLE.match(block):
            spans.append((start, at))
            continue
        inside = start
        for sentence in sentences(block):
            begin = body.index(sentence, inside)
            inside = begin + len(sentence)
            spans.append((begin, inside))
    stems = [set(words(body[start:end])) for start, end in spans]
    common = Counter(word for found in stems for word in found)
    return [
        _Unit(
            start,
            end,
            _count(body[start:end]),
            sum(log(1 + len(spans) / common[word]) for word in found & wanted),
        )
        for (start, end), found in zip(spans, stems, strict=True)
    ]


def _for_second_part(question: str, hits: Sequence[Hit], words: Words) -> Hit | None:
    asked = [set(content_words(part, words)) for part in parts(question)]
    if len(asked) < 2:
        return None
    held = [set(words(_everything(hit.article))) for hit in hits[:4]]
    for wanted in asked:
        shares = [len(wanted & stems) / len(wanted) for stems in held]
        best = max(range(len(shares)), key=lambda number: (shares[number], -number))
        if best > 0 and len(wanted) >= 2 and shares[best] >= 0.75 and shares[0] <= 0.5:
            return hits[best] if hits[best].passage is not None else None
    return None


def _everything(article: IndexedArticle) -> str:
    return " ".join(f"{view.text} {view.body}" for view in article.views)


def _count(text: str) -> int:
    return len(text.split())
