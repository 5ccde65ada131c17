"""Cuts an article into views: everything the encoder sees of it, each from another side.

An article is found by its title, by the ways customers ask for it, by its headings and by its passages. A
passage is what an answer quotes. It ends at a heading, holds up to about 200 words, and never cuts a list or
numbered steps unless one alone is longer than an encoder can read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.knowledge.articles import Article
from core.knowledge.plaintext import Block, parse
from core.knowledge.records import terse
from core.knowledge.sentences import sentences

ViewKind = Literal["title", "question", "heading", "passage"]

LONGEST_PASSAGE = 200  # words
SHORTEST_PASSAGE = 60
LONGEST_LIST = 350  # words: a longer one is cut between its items. A table's rows can be read alone.

_SENTENCE_ENDS = (".", "!", "?", "…", '"', "”", ")", "。")


@dataclass(frozen=True, slots=True)
class View:
    """`text` is what is embedded; `body` is what is shown and quoted ("" unless a passage); `heading` is the
    path of headings above it; `position` counts the article's views from 0."""

    kind: ViewKind
    text: str
    heading: str = ""
    body: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class _Section:
    heading: str
    blocks: tuple[Block, ...]


def split(article: Article) -> list[View]:
    """The article's views in the order title, questions, then each section's heading and passages."""
    views = [View("question", question) for question in article.questions]
    # An FAQ's title is its question, a view already: its passages do better saying what the answer says.
    titled = article.title not in article.questions
    if titled:
        views.insert(0, View("title", article.title))
    for section in _sections(parse(article.body)):
        if section.heading:
            views.append(View("heading", f"{article.title}: {section.heading}", section.heading))
        for body in _passages(section.blocks):
            above = (article.title if titled else "", section.heading)
            text = "".join(f"{part.rstrip('.')}. " for part in above if part) + " ".join(terse(body).split())
            views.append(View("passage", text, section.heading, body))
    return [View(v.kind, v.text, v.heading, v.body, number) for number, v in enumerate(views)]


def _sections(blocks: Iterable[Block]) -> Iterator[_Section]:
    path: list[tuple[int, str]] = []
    held: list[Block] = []
    for block in blocks:
        if block.kind != "heading":
            held.append(block)
            continue
        if held:
            yield _section(path, held)
        held = []
        path = [entry for entry in path if entry[0] < block.level] + [(block.level, block.text)]
    if held or path:
        yield _section(path, held)


def _section(path: list[tuple[int, str]], blocks: list[Block]) -> _Section:
    return _Section(" › ".join(heading for _, heading in path), tuple(blocks))


def _passages(blocks: Iterable[Block]) -> Iterator[str]:
    held: list[str] = []
    for unit in _joined_to_their_lead_in(piece for block in blocks for piece in _pieces(block)):
        together = _words(held) + _words([unit])
        if held and together > LONGEST_PASSAGE and _words(held) >= SHORTEST_PASSAGE:
            yield "\n\n".join(held)
            held = []
        held.append(unit)
    if held:
        yield "\n\n".join(held)


def _joined_to_their_lead_in(pieces: Iterable[tuple[Block, str]]) -> Iterator[str]:
    """ "You can pay by:" or "Click the link to" belongs to the list below it."""
    lead = ""
    for block, text in pieces:
        whole = f"{lead}\n{text}" if lead else text
        if block.kind == "paragraph" and not text.endswith(_SENTENCE_ENDS):
            lead = whole
            continue
        lead = ""
        yield whole
    if lead:
        yield lead


def _pieces(block: Block) -> Iterator[tuple[Block, str]]:
    """The block whole; where it is too long, cut between items, records or sentences."""
    longest = LONGEST_LIST if block.kind in ("list", "code") else LONGEST_PASSAGE
    if _words([block.text]) <= longest:
        yield block, block.text
        return
    parts, between = list(block.parts), "\n"
    if block.kind == "paragraph":
        parts, between = sentences(block.text), " "
    elif block.kind == "code":
        parts = block.text.split("\n")
    held: list[str] = []
    for part in parts:
        if held and _words([*held, part]) > LONGEST_PASSAGE:
            yield block, between.join(held)
            held = []
        held.append(part)
    yield block, between.join(held)


def _words(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)
