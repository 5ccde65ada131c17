"""Markdown as Telegram shows it: plain text with entities beside it, so that nothing has to be escaped.

https://core.telegram.org/bots/api#messageentity: offsets and lengths count UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token
from telegram import MessageEntity

from core.messages import Citation

LONGEST = 4096
"""UTF-16 units of one message."""
MOST_ENTITIES = 100
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"])
_SPANS = {"strong": MessageEntity.BOLD, "em": MessageEntity.ITALIC, "s": MessageEntity.STRIKETHROUGH}
_LINKS = ("http://", "https://", "tg://", "mailto:", "tel:")


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of ours to Telegram."""

    text: str
    entities: tuple[MessageEntity, ...]


def units(text: str) -> int:
    """Its length as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def render(markdown: str, citations: Sequence[Citation] = (), site: str = "") -> list[Piece]:
    """The text in pieces that Telegram takes, the sources as links below it. `site` completes their addresses."""
    page = _Page()
    page.blocks(_markdown.parse(markdown))
    sources = _sources(citations, site)
    if sources:
        page.gap()
        page.write("📖 ")
        for number, (title, url) in enumerate(sources):
            page.write(", " if number else "")
            page.linked(title, url)
    return list(_pieces(page.text.rstrip(), page.entities)) or [Piece("…", ())]


def _sources(citations: Sequence[Citation], site: str) -> list[tuple[str, str | None]]:
    found: dict[str, str | None] = {}
    for citation in citations:
        url = citation.url
        if url and url.startswith("/") and site:
            url = site.rstrip("/") + url
        found.setdefault(citation.title, url)
    return list(found.items())


@dataclass
class _Page:
    """What has been written so far."""

    text: str = ""
    entities: list[MessageEntity] = field(default_factory=list)
    _open: list[tuple[str, int, str | None]] = field(default_factory=list)
    _lists: list[int | None] = field(default_factory=list)
    _length: int = 0
    _in_table: bool = False
    _first_cell: bool = True

    def write(self, text: str) -> None:
        self.text += text
        self._length += units(text)

    def gap(self, lines: int = 2) -> None:
        """Ends the paragraph, if one was begun."""
        if self.text:
            self.write("\n" * max(0, lines - (len(self.text) - len(self.text.rstrip("\n")))))

    def begin(self, kind: str, value: str | None = None) -> None:
        self._open.append((kind, self._length, value))

    def end(self) -> None:
        kind, start, value = self._open.pop()
        self._mark(kind, start, self._length, value)

    def linked(self, text: str, url: str | None) -> None:
        start = self._length
        self.write(text)
        if url and url.startswith(_LINKS):
            self._mark(MessageEntity.TEXT_LINK, start, self._length, url)

    def _mark(self, kind: str, start: int, end: int, value: str | None = None) -> None:
        if end == start or not kind:
            return
        link = value if kind == MessageEntity.TEXT_LINK else None
        language = value if kind == MessageEntity.PRE and value else None
        self.entities.append(MessageEntity(kind, start, end - start, url=link, language=language))

    def blocks(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            draw = _BLOCKS.get(token.type)
            if draw:
                draw(self, token)

    def inline(self, token: Token) -> None:
        for child in token.children or ():
            self._span(child)

    def heading(self, _: Token) -> None:
        self.gap()
        self.begin(MessageEntity.BOLD)

    def close(self, _: Token) -> None:
        self.end()

    def paragraph(self, token: Token) -> None:
        self.gap(0 if token.hidden or self._at_item_start() else 2)

    def begin_list(self, token: Token) -> None:
        self.gap(1 if self._lists else 2)
        self._lists.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)

    def end_list(self, _: Token) -> None:
        self._lists.pop()

    def item(self, _: Token) -> None:
        self.gap(1)
        number = self._lists[-1]
        self.write("  " * (len(self._lists) - 1) + ("• " if number is None else f"{number}. "))
        if number is not None:
            self._lists[-1] = number + 1

    def quote(self, _: Token) -> None:
        self.gap()
        # Telegram allows no quote within a quote.
        self.begin("" if self._quoted() else MessageEntity.BLOCKQUOTE)

    def code(self, token: Token) -> None:
        self.gap()
        self.begin("" if self._quoted() else MessageEntity.PRE, token.info.split(" ")[0] or None)
        self.write(token.content.rstrip("\n"))
        self.end()

    def rule(self, _: Token) -> None:
        self.gap()
        self.write("—")

    def row(self, _: Token) -> None:
        self.gap(1 if self._in_table else 2)
        self._in_table = self._first_cell = True

    def cell(self, _: Token) -> None:
        self.write("" if self._first_cell else " | ")
        self._first_cell = False

    def end_table(self, _: Token) -> None:
        self._in_table = False

    def _at_item_start(self) -> bool:
        last = self.text.rpartition("\n")[2].strip()
        return bool(self._lists) and (last == "•" or (last[:-1].isdigit() and last.endswith(".")))

    def _quoted(self) -> bool:
        return any(kind == MessageEntity.BLOCKQUOTE for kind, *_ in self._open)

    def _span(self, token: Token) -> None:
        kind, _, edge = token.type.rpartition("_")
        if edge == "open" and kind in _SPANS:
            self.begin(_SPANS[kind])
        elif edge == "close" and kind in (*_SPANS, "link"):
            self.end()
        elif token.type == "link_open":
            address = str(token.attrs.get("href", ""))
            self.begin(MessageEntity.TEXT_LINK if address.startswith(_LINKS) else "", address)
        elif token.type == "code_inline":
            self.begin(MessageEntity.CODE)
            self.write(token.content)
            self.end()
        elif token.type in ("softbreak", "hardbreak"):
            self.write("\n")
        elif token.type == "image":
            self.linked(token.content or "🖼", str(token.attrs.get("src", "")))
        else:
            self.write(token.content)


_BLOCKS: dict[str, Callable[[_Page, Token], None]] = {
    "inline": _Page.inline,
    "heading_open": _Page.heading,
    "heading_close": _Page.close,
    "paragraph_open": _Page.paragraph,
    "bullet_list_open": _Page.begin_list,
    "ordered_list_open": _Page.begin_list,
    "bullet_list_close": _Page.end_list,
    "ordered_list_close": _Page.end_list,
    "list_item_open": _Page.item,
    "blockquote_open": _Page.quote,
    "blockquote_close": _Page.close,
    "fence": _Page.code,
    "code_block": _Page.code,
    "hr": _Page.rule,
    "tr_open": _Page.row,
    "td_open": _Page.cell,
    "th_open": _Page.cell,
    "table_close": _Page.end_table,
}


def _pieces(text: str, entities: Sequence[MessageEntity]) -> Iterator[Piece]:
    """Cut where a line or a word ends; an entity that reaches over a cut goes on behind it."""
    start = 0  # in UTF-16 units
    rest = text
    while rest.strip():
        head = _head(rest)
        length = units(head)
        trimmed = head.rstrip()
        if trimmed:
            yield Piece(trimmed, _within(entities, start, units(trimmed)))
        start += length
        rest = rest[len(head) :]


def _head(text: str) -> str:
    if units(text) <= LONGEST:
        return text
    fits = text.encode("utf-16-le", "surrogatepass")[: LONGEST * 2].decode("utf-16-le", "ignore")
    for border in ("\n\n", "\n", " "):
        place = fits.rfind(border)
        if place > len(fits) // 2:
            return fits[: place + len(border)]
    return fits


def _within(entities: Sequence[MessageEntity], start: int, length: int) -> tuple[MessageEntity, ...]:
    """What of the entities lies in the piece that starts at `start`, counted from there. Telegram leaves out what
    comes after the hundredth, so do we."""
    found = []
    for entity in entities:
        begin = max(entity.offset - start, 0)
        end = min(entity.offset + entity.length - start, length)
        if begin < end:
            found.append(MessageEntity(entity.type, begin, end - begin, url=entity.url, language=entity.language))
    return tuple(sorted(found, key=lambda entity: (entity.offset, -entity.length))[:MOST_ENTITIES])
