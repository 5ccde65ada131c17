"""HTML mail: made safe to show, and made text to read, with what is quoted in it marked.

`nh3` does the parsing and the cleaning. Its output is balanced and escaped, so that one regular expression
reads it; a second parser would add nothing.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

import nh3

from connectors.email.lines import Kind, Line

MAX_HTML = 1_000_000
"""Characters that are looked at; the whole stays in the raw mail."""
MAX_OPEN = 200
"""Elements open at once, past which the tags are dropped: a deep tree costs quadratic time."""

_MARKS = {"*": {"class", "id", "name", "style", "hidden", "type"}, "a": {"href"}, "ol": {"start"}}
_DROPPED = {
    *("script", "style", "title", "template", "noscript", "xml", "svg", "math", "iframe", "object", "select"),
    *("button", "textarea"),
}
_STYLES = {"color", "font-weight", "font-style", "text-decoration", "text-align", "white-space"}
_SHOWN = {
    *("a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del"),
    *("div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol"),
    *("p", "pre", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot"),
    *("th", "thead", "tr", "tt", "u", "ul"),
}
_SHOWN_ATTRIBUTES = {
    "*": {"style", "dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "font": {"color"},
    "ol": {"start"},
}


def _own_images_only(tag: str, attribute: str, value: str) -> str | None:
    """An image from elsewhere tells its sender who read the mail, when and where; those of the mail are shown."""
    return None if tag == "img" and attribute == "src" and not value.lower().startswith("cid:") else value


_FOR_SHOWING = nh3.Cleaner(
    tags=_SHOWN,
    clean_content_tags=_DROPPED,
    attributes=_SHOWN_ATTRIBUTES,
    attribute_filter=_own_images_only,
    filter_style_properties=_STYLES,
    url_schemes={"http", "https", "mailto", "tel", "cid"},
    link_rel="noopener noreferrer nofollow",
)
_FOR_READING = nh3.Cleaner(
    tags=_SHOWN - {"img"},
    clean_content_tags=_DROPPED,
    attributes=_MARKS,
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
)

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,5000}>")
_VOID = re.compile(r"(?i)<(?:br|img|hr|meta|link|input|col|area|base|wbr|source)\b")


def _bounded(source: str) -> str:
    source = source[:MAX_HTML].replace("\x00", "")
    if source.count("<") < MAX_OPEN or not _too_deep(source):
        return source
    return _TAG.sub(" ", source)


def _too_deep(source: str) -> bool:
    depth = deepest = 0
    for tag in _TAG.finditer(source):
        if source[tag.start() + 1] == "/":
            depth = max(0, depth - 1)
        elif not _VOID.match(source, tag.start()):
            depth += 1
            deepest = max(deepest, depth)
    return deepest > 20 * MAX_OPEN


def clean(source: str) -> str:
    """HTML without script, form, style sheet or remote image; `cid:` images stay as they are."""
    return _FOR_SHOWING.clean(_bounded(source))


# Containers that mail programs put around what is not new. The name of the program is in the mark.
_QUOTE = re.compile(
    r"yahoo_quoted|protonmail_quote|zmail_extra|OLK_SRC_BODY_SECTION|tutanota_quote|front-blockquote"
    r"|messageReplySection|history_container|^quote$|^isReplyContent$|outlookmessagequote|mail_ru_quote|replyQuote"
)
_AFTER_THIS = re.compile(
    r"^(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|stopSpelling"
    r"|ms-outlook-mobile-reference-message|OutlookMessageHeader|moz-forward-container|lineBreakAtBeginningOfMessage"
    r"|ydp-quoted|reply-intro-separator)"
)
_ATTRIBUTION = re.compile(r"^(?:gmail_attr|moz-cite-prefix|mail_quote_header|protonmail_quote_header)$")
_SIGNATURE = re.compile(
    r"^(?:gmail_signature(?:_prefix)?|moz-signature|Signature|ms-outlook-mobile-signature"
    r"|protonmail_signature_block(?:-user|-proton)?|ymail_android_signature|AppleMailSignature"
    r"|messageSignatureSection"
    r"|composer_signature|mobile_signature|k9mail-signature|tutanota-signature)$"
)
_INVISIBLE = re.compile(
    r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?!\.?[1-9])|opacity\s*:\s*0(?!\.?[1-9])"
    r"|mso-hide\s*:\s*all|max-height\s*:\s*0(?!\.?[1-9])"
)
_NO_BORDER = re.compile(r"(?i)border(?:-left)?\s*:\s*(?:none|0)")
_FLAT = re.compile(r"(?i)margin(?:-bottom)?\s*:\s*0|MsoNormal|MsoPlainText|elementToProof|MsoListParagraph")
_TOKEN = re.compile(r"<(/?)([a-z0-9]+)([^<>\"]*(?:\"[^\"]*\"[^<>\"]*)*)>|([^<]+)")
_ATTRIBUTE = re.compile(r"([a-z-]+)=\"([^\"]*)\"")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLOCKS = {"div", "p", "blockquote", "ul", "ol", "li", "table", "tr", "pre", "center", "dl", "dt", "dd", "hr"} | {
    f"h{level}" for level in range(1, 7)
}
_AIRY = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "table"}
_WITHOUT_END = {"br", "hr", "img", "col"}


@dataclass(slots=True)
class _Open:
    tag: str
    kind: Kind
    depth: int
    hidden: bool
    airy: bool
    href: str = ""
    start: int = 0


@dataclass(slots=True)
class Page:
    lines: list[Line] = field(default_factory=list)
    marked: bool = False
    """A mail program said in the HTML what is quoted, or what is its signature."""


class _Reader:
    def __init__(self) -> None:
        self.page = Page()
        self.open = [_Open("", Kind.NEW, 0, hidden=False, airy=False)]
        self.words: list[str] = []
        self.rest: Kind | None = None
        self.preformatted = 0
        self.lists: list[int] = []

    def read(self, source: str) -> Page:
        for slash, tag, attributes, text in _TOKEN.findall(source):
            if text:
                self._text(text)
            elif slash:
                self._end(tag)
            else:
                self._start(tag, attributes)
        self._line()
        return self.page

    def _text(self, text: str) -> None:
        if self.open[-1].hidden:
            return
        text = html.unescape(text) if "&" in text else text
        if self.preformatted:
            *lines, last = text.replace("\r\n", "\n").split("\n")
            for line in lines:
                self.words.append(line)
                self._line(keep=True)
            self.words.append(last)
            return
        text = _SPACE.sub(" ", text)
        if text != " " or self.words:
            self.words.append(text)

    def _start(self, tag: str, attributes: str) -> None:
        if tag == "br":
            self._line(keep=True)
            return
        top = self.open[-1]
        if tag in _BLOCKS:
            self._line()
        if tag == "hr":
            return
        found = dict(_ATTRIBUTE.findall(attributes)) if attributes else {}
        airy = tag in _AIRY and not _FLAT.search(attributes) and not (tag in ("ul", "ol") and self.lists)
        entered = _Open(tag, top.kind, top.depth, top.hidden, airy, found.get("href", ""), len(self.words))
        if found:
            self._mark(entered, found)
        if tag == "blockquote" and not (_NO_BORDER.search(found.get("style", "")) and "type" not in found):
            entered.kind, entered.depth = max(entered.kind, Kind.QUOTE), top.depth + 1
        if airy:
            self._air()
        if tag not in _WITHOUT_END:
            self.open.append(entered)
        self._list_item(tag, found)

    def _list_item(self, tag: str, found: dict[str, str]) -> None:
        if tag == "pre":
            self.preformatted += 1
        elif tag in ("ul", "ol"):
            start = found.get("start", "1")
            self.lists.append(int(start) if tag == "ol" and start.isdigit() and len(start) < 6 else int(tag == "ol"))
        elif tag == "li" and not self.open[-1].hidden:
            number = self.lists[-1] if self.lists else 0
            self.words.append(f"{number}. " if number else "- ")
            if number:
                self.lists[-1] += 1
        elif tag in ("td", "th") and self.words and not self.words[-1].endswith(" "):
            self.words.append(" ")

    def _mark(self, entered: _Open, found: dict[str, str]) -> None:
        if "hidden" in found or _INVISIBLE.search(found.get("style", "")):
            entered.hidden = True
        for name in self._names(found):
            if _QUOTE.search(name):
                entered.kind, entered.depth = max(entered.kind, Kind.QUOTE), max(entered.depth, 1)
            elif _AFTER_THIS.match(name):
                self.rest = Kind.QUOTE
            elif _ATTRIBUTION.match(name):
                entered.kind = max(entered.kind, Kind.ATTRIBUTION)
            elif _SIGNATURE.match(name):
                entered.kind = max(entered.kind, Kind.SIGNATURE)
            elif name != "gmail_quote":
                continue
            self.page.marked = True

    @staticmethod
    def _names(found: dict[str, str]) -> list[str]:
        names = [found[key].removeprefix("x_") for key in ("id", "name") if key in found]
        names += [one.removeprefix("x_") for one in found.get("class", "").split()]
        return [*names, "gmail_quote"] if found.get("type") == "cite" else names

    def _end(self, tag: str) -> None:
        if len(self.open) == 1:
            return
        left = self.open[-1]
        if tag == "a" and left.href and not left.hidden:
            self._address(left)
        if tag in _BLOCKS:
            self._line()
        self.open.pop()
        if left.airy:
            self._air()
        if tag == "pre":
            self.preformatted -= 1
        elif tag in ("ul", "ol"):
            self.lists.pop()

    def _address(self, link: _Open) -> None:
        """`here <https://…>`, as mail programs write links in text; a link that shows its address stays as it is."""
        href = html.unescape(link.href)
        said = "".join(self.words[link.start :]).strip()
        bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", href).rstrip("/")
        if said and href.startswith(("http://", "https://")) and bare not in said and said not in href:
            self.words.append(f" <{href}>")

    def _line(self, *, keep: bool = False) -> None:
        """Ends the line. Without `keep`, nothing written is no line."""
        top = self.open[-1]
        text = "".join(self.words)
        if not self.preformatted:
            text = text.strip(" ")
        self.words.clear()
        if text or (keep and not top.hidden):
            kind = max(top.kind, self.rest or Kind.NEW)
            self.page.lines.append(Line(text.replace("\xa0", " ").rstrip(), kind, max(top.depth, int(bool(self.rest)))))

    def _air(self) -> None:
        lines = self.page.lines
        if lines and lines[-1].text and not self.words:
            lines.append(Line("", lines[-1].kind, lines[-1].depth))


def read(source: str) -> Page:
    """The lines a person would see, with what is quoted in them marked. What is invisible is left out."""
    return _Reader().read(_FOR_READING.clean(_bounded(source)))
