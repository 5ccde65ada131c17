"""Answers in the business's own words: a short article whole, else what it says first and the passage that answers.

Single best sentences are dangerous, because they lose the short "No, …" before them. So a run of neighbouring
sentences always comes with the first sentence of its section, and steps and lists stay in one piece. What stands under
"Returns from abroad" is not the rule: unless the question is about such a section, the article's lead comes first. Of
a table the row is given that the question names, or the table.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.knowledge.index import Hit, IndexedArticle, IndexedView
from core.knowledge.lexical import Words, content_words
from core.knowledge.pieces import Asked, Block, best_run, blocks, count, named_rows, units
from core.knowledge.questions import parts
from core.knowledge.records import MARK, is_record
from core.knowledge.sentences import sentences

LONGEST_WHOLE = 120  # words of an article, or of one passage, that are given whole
LONGEST_TABLE = 130
LONGEST_WITH_TABLE = 170
LONGEST_LEAD = 45
LONGEST_RUN = 90
LONGEST_QUOTE = 60

_LEANS_BACK = re.compile(
    r"(this|that|these|those|it|they|he|she|its|their|however|but|also|otherwise|then|so|instead|"
    r"in that case|if so|if not|yes|no)\b",
    re.IGNORECASE,
)


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
class _Part:
    """What is shown of one passage: exact parts of its body, in order. The first of `quotes` says most."""

    passage: IndexedView
    shown: tuple[str, ...]
    quotes: tuple[str, ...]

    @property
    def words(self) -> int:
        return sum(map(count, self.shown))


def extract(question: str, hits: Sequence[Hit]) -> Extract:
    """The answer from the first hit; where the question has two parts, from the hit that is best for each, the surer
    first. Without a passage to quote, an empty extract. Citations come in the order of the text."""
    words = Words()
    first = next((hit for hit in hits[:1] if hit.passage is not None), None)
    if first is None:
        return Extract("", ())
    answers = [_answer(question, first, words)]
    if other := _for_second_part(question, hits, words):
        answers.append(_answer(question, other, words))
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
    asked = Asked.of(question, words)
    if sum(count(view.body) for view in passages) <= LONGEST_WHOLE:
        ordered = [passage, *(view for view in passages if view is not passage)]
        shown = [_Part(view, (view.body,), (_quote(view.body, asked, words),)) for view in ordered]
        return _put_together(hit.article, shown)
    best = _part(passage, passages, asked, words)
    lead = passages[0]
    if passage is lead or lead.heading:
        return _put_together(hit.article, [best, *_what_the_lead_leaves_open(hit, best, passages, asked, words)])
    if _is_about(passage, hit.article, asked, words):
        return _put_together(hit.article, [best])
    return _put_together(hit.article, [best, *_opening(lead)])


def _what_the_lead_leaves_open(
    hit: Hit, best: _Part, passages: Sequence[IndexedView], asked: Asked, words: Words
) -> list[_Part]:
    """The second passage, if the best is the article's lead and says less of the question."""
    second = hit.next_best
    if hit.passage is not passages[0] or hit.passage.heading or second is None:
        return []
    found = _part(second, passages, asked, words)
    new = (_stems(found, words) - _stems(best, words)) & asked.stems
    return [found] if new and best.words + found.words <= LONGEST_WHOLE else []


def _is_about(passage: IndexedView, article: IndexedArticle, asked: Asked, words: Words) -> bool:
    """Whether the question names what is special about the section."""
    return not asked.stems.isdisjoint(set(words(passage.heading)).difference(words(article.title)))


def _opening(lead: IndexedView) -> list[_Part]:
    """What the article says first, if it says it in few words."""
    first = blocks(lead.body)[0]
    text = first.text
    if first.records:
        text = first.lead_in
    elif count(text) > LONGEST_LEAD and "\n" not in text:
        text = sentences(text)[0]
    return [_Part(lead, (text,), (text,))] if 0 < count(text) <= LONGEST_LEAD else []


def _part(passage: IndexedView, passages: Sequence[IndexedView], asked: Asked, words: Words) -> _Part:
    """What answers the question in a passage."""
    found = blocks(passage.body)
    for table in found:
        if not table.records:
            continue
        rows, by = named_rows(table.records, asked, words)
        if rows:
            return _rows(passage, found, table, rows, by, words)
        if asked.codes or count(table.text) > LONGEST_TABLE or _is_cut(passage, table, passages):
            others = [block.text for block in found if not block.records]
            if others:
                return _Part(passage, tuple(others), (others[-1],))
    longest = LONGEST_WITH_TABLE if any(block.records for block in found) else LONGEST_WHOLE
    if count(passage.body) <= longest:
        return _Part(passage, (passage.body,), (_quote(passage.body, asked, words),))
    return _run(passage, passages, asked, words)


def _rows(
    passage: IndexedView, found: Sequence[Block], table: Block, rows: Sequence[str], by: frozenset[str], words: Words
) -> _Part:
    """The rows with the line above them, and the paragraphs beside the table that speak of the same."""
    told = [row.removeprefix(MARK) for row in rows]
    shown = table.lead_in + "\n" if table.lead_in else ""
    shown += told[0] if len(rows) == 1 else "\n".join(rows)
    said = [
        shown if block is table else block.text
        for number, block in enumerate(found)
        if block is table or (not block.records and (number == 0 or not by.isdisjoint(words(block.text))))
    ]
    return _Part(passage, tuple(said), tuple(told))


def _is_cut(passage: IndexedView, table: Block, passages: Sequence[IndexedView]) -> bool:
    """Whether a neighbour holds more rows of the same table."""
    place = passages.index(passage)
    same = [view for view in passages[max(place - 1, 0) : place + 2] if view is not passage]
    return any(view.heading == passage.heading and any(map(is_record, view.body.split("\n"))) for view in same)


def _run(passage: IndexedView, passages: Sequence[IndexedView], asked: Asked, words: Words) -> _Part:
    body = passage.body
    found = units(body, asked.stems, words)
    first, last = best_run(found, LONGEST_RUN)
    while first > 0 and _LEANS_BACK.match(body, found[first].start):
        first -= 1
    if first == 1:
        first = 0
    run = body[found[first].start : found[last].end]
    opening = body[found[0].start : found[0].end]
    return _Part(passage, (run,) if first == 0 else (opening, run), (_quote(body, asked, words),))


def _quote(body: str, asked: Asked, words: Words) -> str:
    found = units(body, asked.stems, words)
    first, last = best_run(found, LONGEST_QUOTE)
    return body[found[first].start : found[last].end]


def _put_together(article: IndexedArticle, found: Sequence[_Part]) -> Extract:
    """The parts in the article's order, with the headings that they stand under; citations in the order given."""
    ordered = sorted(found, key=lambda part: part.passage.position)
    shown, heading = [], ""
    for part in ordered:
        text = "\n\n".join(part.shown)
        under = part.passage.heading
        # What stands under a heading often cannot be understood without it.
        shown.append(f"{_as_label(under)}\n{text}" if under and under != heading else text)
        heading = under
    quotes = tuple(Quote(article, part.passage, quote) for part in found for quote in part.quotes)
    return Extract("\n\n".join(shown), quotes)


def _as_label(heading: str) -> str:
    last = heading.rsplit(" › ", 1)[-1]
    return last if last.endswith((".", "?", "!", ":")) else f"{last}:"


def _stems(part: _Part, words: Words) -> frozenset[str]:
    return frozenset(stem for text in (part.passage.heading, *part.shown) for stem in words(text))


def _for_second_part(question: str, hits: Sequence[Hit], words: Words) -> Hit | None:
    """The hit for a part that the first hit does not answer."""
    asked = [set(content_words(part, words)) for part in parts(question)]
    if len(asked) < 2:
        return None
    held = [_views(hit.article, words) for hit in hits[:4]]
    for wanted in asked:
        shares = [max(len(wanted & view) / len(wanted) for view in views) for views in held]
        best = max(range(len(shares)), key=lambda number: (shares[number], -number))
        if best > 0 and len(wanted) >= 2 and shares[best] >= 0.65 and shares[0] <= 0.5:
            return hits[best] if hits[best].passage is not None else None
    return None


def _views(article: IndexedArticle, words: Words) -> list[frozenset[str]]:
    return [frozenset(words(view.text)) for view in article.views]
