"""What of a mail's text is new, by the words mail programs put around what they quote.

Marks in HTML and `>` come first (they are in the lines already); the rules here find what carries none: the
line "On … wrote:", the block of From, Sent, To and Subject, and the line "Original Message". Each looks at a
bounded piece of a bounded number of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from connectors.email import wording
from connectors.email.lines import Kind, Line

MAX_LINES = 10_000
_LONG = 500
"""Characters; no line of a mail program is longer."""
_WINDOW = 12
"""Lines that a block of headers may take."""

_DIRECTION = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_WROTE = re.compile(rf"(?i)(?:^|(?<=[\s>」、,:.])|(?<=[^\x00-\u05ff]))(?:{wording.WROTE})")
_STARTS = re.compile(
    rf"(?:{wording.ATTRIBUTION_STARTS})\b|[^\W\d]{{1,12}}\.?,? \d|\d{{4}}[-/.年 ]|\d{{1,2}}[./-]\d"
    rf"|\d{{1,2}}\.? [^\W\d]{{3,10}}"
)
_DATE = re.compile(
    r"(?<!\d)(?:\d{1,2}[:.h]\d{2}(?!\d)|(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}時|\d{1,2}:\d{2})"
)
_ADDRESS = re.compile(r"[^\s<>@]{1,100}@[^\s<>@]{1,200}")
_IN_BRACKETS = re.compile(r"[<(\[](?:mailto:)?[^\s<>@]{1,100}@[^\s<>@]{1,200}[>)\]]")
_BY_HAND = re.compile(r"(?i)^(?:hi|hello|hallo|dear|hey|bonjour|ciao|hola)\b")
_EDGES = " \t*_>=#.-"
_FORWARD = re.compile(rf"(?i)(?:{wording.FORWARDED})\b")
_ORIGINAL = re.compile(rf"(?i)(?:{wording.ORIGINAL})")
_RULE = re.compile(r"\s*(?:_{5,}|-{5,}|={5,}|\*{5,})\s*$")
_ABOVE = re.compile(rf"(?i).{{0,80}}(?:{wording.REPLY_ABOVE})")
_LABEL = re.compile(
    rf"[>*\s|]*(?:(?P<sender>{wording.FROM})|(?P<sent>{wording.SENT})|(?P<to>{wording.TO})"
    rf"|(?P<subject>{wording.SUBJECT}))\*?\s{{0,20}}[:：]\s{{0,20}}\*?(?P<value>.*)",
    re.I,
)
_ENDS_LIKE_ATTRIBUTION = re.compile(rf"(?:[:：]|(?:{wording.WROTE}))[\s*\-—]*$", re.I)


_FIRST_WORD = re.compile(r"(?:On|Am|Le|El|Il|Em|Op|Den|Dne|Dnia|W dniu) ")
# "On …, Dana <…> wrote:   Hello" in one line, as Yahoo's app for Android writes it.
_GOES_ON = re.compile(r"(.{10,300}?[:：])\s{2,}\S")
# "2012/4/7 Dana <…>", as Gmail wrote it in some languages.
_NO_COLON = re.compile(r"\d{4}[/-]\d{1,2}[/-]\d{1,2} [^<>]{0,100}<[^<>@]{1,100}@[^<>]{1,200}>$")


@dataclass(slots=True)
class Original:
    """What the block of headers above a quoted or forwarded mail says."""

    sender: str = ""
    sent: str = ""
    subject: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Separated:
    lines: list[Line]
    """All that were given, with the kind of each settled."""
    original: Original | None = None
    """The mail below the cut, if a block of headers introduces it."""
    forward: bool = False
    """A mail program calls it forwarded, not quoted."""


def separate(lines: list[Line]) -> Separated:
    """Settles what each line is. Lines past `MAX_LINES` count as quoted: nobody writes that much."""
    done = Separated(lines)
    for line in lines[MAX_LINES:]:
        line.kind = max(line.kind, Kind.QUOTE)
    at, size = 0, min(len(lines), MAX_LINES)
    while at < size:
        line = lines[at]
        if not line.text or line.kind > Kind.NEW:
            if line.kind >= Kind.ATTRIBUTION and not done.original and not line.depth:
                _forward_in_marks(lines, at, done)
            at += 1
        elif span := _attribution(lines, at):
            at = _attributed(lines, at, span)
        elif _cut(lines, at, done):
            break
        else:
            at += 1
    _leftovers(lines)
    return done


def _shown(line: Line) -> str:
    text = line.text[:_LONG]
    return text.strip() if text.isascii() else _DIRECTION.sub("", text).strip()


def _attribution(lines: list[Line], at: int) -> int:
    """How many lines, from this one, say who wrote what follows: "On … wrote:". 0 for none."""
    joined = ""
    for span in range(1, 5):
        if at + span > len(lines) or lines[at + span - 1].kind != Kind.NEW:
            return 0
        text = _shown(lines[at + span - 1])
        if not text or len(joined) + len(text) > _LONG:
            return 0
        joined = f"{joined} {text}" if joined else text
        if span == 1 and ((said := _GOES_ON.match(text)) or _NO_COLON.match(text)):
            if said and _STARTS.match(text) and _says_who_wrote(said[1], lines, at + 1, 1):
                return 1
            if not said and _quoted_next(lines, at + 1, 1):
                return 1
        if _ENDS_LIKE_ATTRIBUTION.search(text[-40:]) and _says_who_wrote(joined, lines, at + span, span):
            return 0 if _starts_later(lines, at, span) else span
        if span == 1 and not _may_start(joined):
            return 0
    return 0


def _starts_later(lines: list[Line], at: int, span: int) -> bool:
    """ "On it!" above "On Tuesday … wrote:" was written by the person."""
    return any(
        _FIRST_WORD.match(_shown(lines[later])) and _attribution(lines, later) for later in range(at + 1, at + span)
    )


def _may_start(text: str) -> bool:
    """Only a line that looks like the start of one is joined with the next."""
    return bool(_STARTS.match(text.lstrip("-*_ "))) or (
        bool(_IN_BRACKETS.search(text)) or bool(_DATE.search(text) and len(text) > 30)
    )


def _says_who_wrote(text: str, lines: list[Line], below: int, span: int) -> bool:
    text = text.strip("-*_ ")
    wrote, dated = _WROTE.search(text), _DATE.search(text)
    if not dated and not _ADDRESS.search(text):
        # "Dana wrote:" alone is what people write too.
        return bool(wrote) and span <= 2 and len(text) < 100 and _quoted_next(lines, below, 1)
    if wrote:
        return bool(_STARTS.match(text) or _IN_BRACKETS.search(text) or text[wrote.end() :].strip(" :：-")) or (
            span == 1 and _quoted_next(lines, below, 2)
        )
    if dated and _IN_BRACKETS.search(text):
        return not _BY_HAND.match(text)
    return bool(dated) and span <= 2 and text.endswith((":", "：")) and _quoted_next(lines, below, 1)


def _quoted_next(lines: list[Line], at: int, blanks: int) -> bool:
    while at < len(lines) and blanks and not lines[at].text and lines[at].kind != Kind.QUOTE:
        at, blanks = at + 1, blanks - 1
    return at < len(lines) and lines[at].kind == Kind.QUOTE


def _attributed(lines: list[Line], at: int, span: int) -> int:
    """Marks the attribution, and all that follows it if that carries no marks of its own."""
    for line in lines[at : at + span]:
        line.kind = Kind.ATTRIBUTION
    if at and lines[at - 1].kind == Kind.NEW and _RULE.match(lines[at - 1].text[:_LONG]):
        lines[at - 1].kind = Kind.ATTRIBUTION
    below = at + span
    while below < len(lines) and not lines[below].text and lines[below].kind == Kind.NEW:
        below += 1
    if below >= len(lines) or lines[below].kind == Kind.QUOTE:
        return below
    if not any(line.kind == Kind.NEW and line.text for line in lines[:at]):
        # Nothing stands above: what is below is all there is, and keeping too much beats losing it.
        return below
    _quote_from(lines, below)
    return len(lines)


def _quote_from(lines: list[Line], at: int) -> None:
    for line in lines[at:]:
        line.kind, line.depth = max(line.kind, Kind.QUOTE), max(line.depth, 1)


def _cut(lines: list[Line], at: int, done: Separated) -> bool:
    """Does the rest belong to another mail? Then it is marked so, and its headers are read."""
    text = _shown(lines[at])
    forward = _is_forward(text)
    if forward and not _headers(lines, at + 1) and not text.startswith(("-", "*", "_", ">", "=")):
        forward = text.endswith(":") and _quoted_next(lines, at + 1, 3)
    original = _headers(lines, at) if _LABEL.match(text) else None
    if original is None and not forward and not _is_separator(lines, at, text):
        return False
    done.original = original or _headers(lines, at + 1)
    done.forward = forward
    if done.original is not None:
        done.original.lines = [Line(line.text, line.kind, line.depth) for line in done.original.lines]
        _lift(done.original.lines)
    _quote_from(lines, at)
    return True


def _is_separator(lines: list[Line], at: int, text: str) -> bool:
    if _ABOVE.match(text) and len(text) < 200:
        return True
    words = text.strip(_EDGES)
    dashed = text.startswith("--") and len(words) <= 80
    if dashed and _ORIGINAL.match(words):
        return True
    if _RULE.match(text) or (dashed and text.endswith("--")) or _ORIGINAL.fullmatch(words.rstrip(" :")):
        return _headers(lines, at + 1) is not None
    return False


def _is_forward(text: str) -> bool:
    return len(text) < 160 and bool(_FORWARD.match(text.strip(_EDGES)))


def _forward_in_marks(lines: list[Line], at: int, done: Separated) -> None:
    """HTML marks say that something follows which is not new; its headers say whose it was."""
    forward = _is_forward(_shown(lines[at]))
    if not forward and not _LABEL.match(_shown(lines[at])):
        return
    if found := _headers(lines, at + forward):
        done.original, done.forward = found, forward
        done.original.lines = [Line(line.text, line.kind, line.depth) for line in found.lines]
        _lift(done.original.lines)
        if forward:
            _quote_from(lines, at)


def _lift(lines: list[Line]) -> None:
    """Takes one level of quotation away: lines as they were in the mail that is quoted."""
    for line in lines:
        line.depth = max(0, line.depth - 1)
        if line.kind >= Kind.ATTRIBUTION:
            line.kind = Kind.QUOTE if line.depth else Kind.NEW


def _headers(lines: list[Line], at: int) -> Original | None:
    """The block of From, Sent, To and Subject that starts here, in any order, or None."""
    while at < len(lines) and (not lines[at].text or _RULE.match(lines[at].text[:_LONG])):
        at += 1
    seen: dict[str, str] = {}
    unlabelled, end = 0, at
    for position in range(at, min(at + _WINDOW, len(lines))):
        text = _shown(lines[position])
        label = _LABEL.match(text)
        if not label:
            unlabelled += 1
            if position == at or unlabelled > 3 or (not text and len(seen) >= 3):
                break
            continue
        kind = label.lastgroup if label.lastgroup != "value" else _kind(label)
        seen.setdefault(str(kind), label["value"].strip(" *"))
        unlabelled, end = 0, position + 1
    if not _is_block(seen):
        return None
    return Original(seen.get("sender", ""), seen.get("sent", ""), seen.get("subject", ""), lines[end:])


def _kind(label: re.Match[str]) -> str:
    return next(name for name in ("sender", "sent", "to", "subject") if label[name])


def _is_block(seen: dict[str, str]) -> bool:
    """ "From: Berlin, To: Rome, Date: 3 May" is a journey: a mail's headers name an address or a subject and a time."""
    if len(seen) < 2 or ("sender" not in seen and "sent" not in seen):
        return False
    addressed = any(_ADDRESS.search(value) for value in seen.values())
    timed = bool(_DATE.search(seen.get("sent", "")))
    return (addressed and "sender" in seen) or (len(seen) >= 3 and "subject" in seen and timed)


def _leftovers(lines: list[Line]) -> None:
    """The end of a quoted line that a gateway broke off stands without its mark between two that have it."""
    for at in range(1, min(len(lines), MAX_LINES) - 1):
        before, line, after = lines[at - 1], lines[at], lines[at + 1]
        if line.kind != Kind.NEW or before.kind != Kind.QUOTE or after.kind != Kind.QUOTE or not after.depth:
            continue
        if line.text[:1].islower() and len(line.text) < 40 and len(before.text) >= 64:
            line.kind = Kind.QUOTE
