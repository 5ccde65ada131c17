"""Markdown as Telegram shows it: plain text with entities, so that nothing ever has to be escaped.

core.telegram.org/bots/api#messageentity: positions count UTF-16 code units; `code` and `pre` stand alone; nothing is
nested in itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from unicodedata import combining
from urllib.parse import urljoin, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from telegram import MessageEntity

from core.messages import Citation

LONGEST = 4096
"""UTF-16 code units of one message."""
MOST_ENTITIES = 100
"""Of one message: Telegram passes over what comes after them."""
ALONE = {"code", "pre"}
STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough", "blockquote": "blockquote", "link": "text_link"}
LINKS = ("http", "https", "mailto")
LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
JOINERS = {"\u200d", "\ufe0f", "\u20e3"}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text, as `kind` of `telegram.MessageEntity`."""

    kind: str
    start: int
    end: int
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Rich:
    text: str
    spans: tuple[Span, ...] = ()

    def __add__(self, other: Rich) -> Rich:
        moved = (replace(s, start=s.start + len(self.text), end=s.end + len(self.text)) for s in other.spans)
        return Rich(self.text + other.text, (*self.spans, *moved))

    def cut(self, start: int, end: int) -> Rich:
        """From `start` to `end`, without blanks at the edges: Telegram removes those itself."""
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        kept = (replace(s, start=max(s.start, start) - start, end=min(s.end, end) - start) for s in self.spans)
        return Rich(self.text[start:end], tuple(span for span in kept if span.start < span.end))

    def entities(self) -> list[tuple[Span, int, int]]:
        """The spans with offset and length as Telegram counts them."""
        at = [0, *accumulate(2 if ord(character) > 0xFFFF else 1 for character in self.text)]
        return [(span, at[span.start], at[span.end] - at[span.start]) for span in self.spans]


def units(text: str) -> int:
    """How long Telegram finds it."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable("entity")


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of ours to Telegram."""

    text: str
    entities: tuple[MessageEntity, ...]


def render(markdown: str, citations: Sequence[Citation] = (), site: str = "", speaker: str = "") -> list[Piece]:
    """The text in pieces that Telegram takes: who speaks above it, its sources as links below.

    Addresses without a host are completed with `site`.
    """
    shown = rich(markdown, site)
    if speaker and shown.text:
        shown = Rich(speaker, (Span("bold", 0, len(speaker)),)) + Rich("\n") + shown
    sources = {citation.title: citation.url for citation in reversed(citations) if citation.title.strip()}
    for number, (title, url) in enumerate(reversed(sources.items())):
        shown = shown + Rich("\n\n📖 " if number == 0 else "\n📖 ") + link(title, url, site)
    return [_piece(part) for part in split(shown)] or [Piece("…", ())]


def _piece(part: Rich) -> Piece:
    found = (
        MessageEntity(span.kind, offset, length, url=span.url, language=span.language)
        for span, offset, length in part.entities()
    )
    return Piece(part.text, tuple(found)[:MOST_ENTITIES])


def rich(markdown: str, links_from: str = "") -> Rich:
    """What a customer is to see of `markdown`. Addresses without a host are completed with `links_from`."""
    writer = _Writer(links_from)
    for token in _parser().parse(markdown):
        writer.block(token)
    return writer.done()


def link(text: str, url: str | None, links_from: str = "") -> Rich:
    """`text`, leading to `url` if that is an address on the web."""
    url = _address(url or "", links_from)
    return Rich(text, (Span("text_link", 0, len(text), url),) if url and text else ())


def _address(url: str, links_from: str) -> str | None:
    if url and links_from and not urlsplit(url).scheme:
        url = urljoin(f"{links_from}/", url)
    parts = urlsplit(url)
    return url if parts.scheme in LINKS and (parts.netloc or parts.scheme == "mailto") else None


class _Writer:
    def __init__(self, links_from: str) -> None:
        self._links_from = links_from
        self._text: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._open: list[tuple[str, int, str | None]] = []
        self._lists: list[int | None] = []
        """Of each list that we are in, the next number; None for bullets."""
        self._items: list[bool] = []
        """Of each item that we are in, whether it has no text yet."""

    def done(self) -> Rich:
        spans = sorted(_standing_alone(self._spans), key=lambda s: (s.start, -s.end, s.kind in ALONE))
        whole = Rich("".join(self._text), tuple(spans))
        return whole.cut(0, len(whole.text))

    def block(self, token: Token) -> None:
        kind = token.type
        if kind == "inline":
            for child in token.children or ():
                self._inline(child)
        elif kind in ("fence", "code_block"):
            self._begin_block()
            info, content = token.info.strip(), token.content.rstrip("\n")
            if content.strip() and LANGUAGE.fullmatch(info):
                self._marked("pre", content, language=info)
            else:  # what stands behind the fence is no language's name, but part of the text
                self._marked("pre", "\n".join(part for part in (info, content) if part))
        elif kind == "hr":
            self._begin_block()
            self._write("———")
        elif kind in ("paragraph_open", "heading_open"):
            self._begin_block()
            if kind == "heading_open":
                self._start("bold", None)
        elif kind == "heading_close":
            self._end("bold")
        elif kind in ("blockquote_open", "blockquote_close"):
            self._quote(opening=kind.endswith("open"))
        else:
            self._list(token)

    def _list(self, token: Token) -> None:
        if token.type == "bullet_list_open":
            self._lists.append(None)
        elif token.type == "ordered_list_open":
            self._lists.append(int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif token.type == "list_item_open":
            self._begin_block()
            number = self._lists[-1]
            self._write("• " if number is None else f"{number}. ")
            if number is not None:
                self._lists[-1] = number + 1
            self._items.append(True)
        elif token.type == "list_item_close":
            self._items.pop()

    def _quote(self, *, opening: bool) -> None:
        if opening:
            self._begin_block()
            if self._items:
                self._items[-1] = True  # what comes next begins where the quotation does
            else:
                self._fresh = True
            self._start("blockquote", None)
        else:
            self._end("blockquote")

    _fresh = False

    def _begin_block(self) -> None:
        """A new line, and an empty one between paragraphs outside of lists."""
        if self._items and self._items[-1]:
            self._items[-1] = False
            return
        if self._fresh:
            self._fresh = False
            return
        if self._length:
            self._write("\n" if self._lists else "\n\n")
        depth = len(self._items)
        self._write("  " * depth)

    def _inline(self, token: Token) -> None:
        kind = token.type
        if kind == "text":
            self._write(token.content)
        elif kind == "code_inline":
            self._marked("code", token.content)
        elif kind in ("softbreak", "hardbreak"):
            self._write("\n" + "  " * len(self._items))
        elif kind == "image":
            url = _address(str(token.attrGet("src") or ""), self._links_from)
            self._start("link", url)
            self._write(token.content or str(token.attrGet("src") or ""))
            self._end("link")
        elif kind.endswith("_open"):
            url = _address(str(token.attrGet("href") or ""), self._links_from) if kind == "link_open" else None
            self._start(kind.removesuffix("_open"), url)
        elif kind.endswith("_close"):
            self._end(kind.removesuffix("_close"))

    def _write(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)

    def _marked(self, kind: str, text: str, language: str | None = None) -> None:
        start = self._length
        self._write(text)
        if text.strip():
            self._spans.append(Span(kind, start, self._length, language=language))

    def _start(self, kind: str, url: str | None) -> None:
        self._open.append((STYLES.get(kind, kind), self._length, url))

    def _end(self, kind: str) -> None:
        started, start, url = self._open.pop()
        nested = any(outer == started for outer, _, _ in self._open)
        useless = nested or start == self._length or (started == "text_link" and not url)
        if not useless and "".join(self._text)[start : self._length].strip():
            self._spans.append(Span(started, start, self._length, url))


def _standing_alone(spans: list[Span]) -> Iterator[Span]:
    """Takes code out of what surrounds it; a link goes before the code in it."""
    links = [span for span in spans if span.kind == "text_link"]
    alone = [s for s in spans if s.kind in ALONE and not any(k.start < s.end and s.start < k.end for k in links)]
    yield from alone
    for span in spans:
        if span.kind in ALONE:
            continue
        start = span.start
        inside = () if span.kind in ("blockquote", "text_link") else alone
        for code in sorted(inside, key=lambda code: code.start):
            if code.start < span.end and code.end > start:
                if start < code.start:
                    yield replace(span, start=start, end=code.start)
                start = code.end
        if start < span.end:
            yield replace(span, start=start)


def split(rich: Rich, longest: int = LONGEST) -> list[Rich]:
    """In pieces of at most `longest` units, broken between paragraphs, lines, sentences or words where possible."""
    pieces, start = [], 0
    while start < len(rich.text):
        end = _reach(rich.text, start, longest)
        if end < len(rich.text):
            end = _good_break(rich.text, start, end)
        if (piece := rich.cut(start, end)).text:
            pieces.append(piece)
        start = end
    return pieces


def _reach(text: str, start: int, longest: int) -> int:
    """How far `longest` units go from `start`."""
    end = min(len(text), start + longest)
    while (excess := units(text[start:end]) - longest) > 0:
        end -= (excess + 1) // 2
    return end


def _good_break(text: str, start: int, end: int) -> int:
    for mark in ("\n\n", "\n", ". ", " "):
        found = text.rfind(mark, start + (end - start) // 3, end)
        if found > start:
            return found + len(mark)
    # Not between a character and what is added to it: an accent, a skin colour, the rest of a family.
    best = end
    while best > max(start + 1, end - 32) and _belongs_together(text[best - 1], text[best]):
        best -= 1
    return best if best > max(start + 1, end - 32) else end


def _belongs_together(before: str, after: str) -> bool:
    toned = "\U0001f3fb" <= after <= "\U0001f3ff"
    return bool(combining(after)) or after in JOINERS or before == "\u200d" or toned
