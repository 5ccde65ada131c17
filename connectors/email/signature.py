"""Where what a person wrote ends and what their mail program adds begins.

A closing with a name under it ("Best, Dana") was written and stays. A delimiter, a line that advertises the
program, a block of contact details with its closing, and legal notes go. A postscript stays wherever it is.
"""

from __future__ import annotations

import re

from connectors.email import wording
from connectors.email.lines import Kind, Line

_LOOKED_AT = 60
"""Lines of each piece, from its end."""
_DELIMITER = re.compile(r"^(?:-- ?|--|–|—|— ?|__|~~|---)\s*$")
_RULE = re.compile(r"^\s*(?:_{5,}|-{4,}|={5,}|\*{5,}|—{3,}|~{5,})\s*$")
_SENT_FROM = re.compile(rf"(?i)^[\s*_>-]*(?:{wording.SENT_FROM})")
_CLOSING = re.compile(rf"(?i)^[\s*_]*(?:{wording.CLOSINGS})(?:\s?[/|,]\s?(?:{wording.CLOSINGS}))?[\s,.!;:*_\-–]*$")
_DISCLAIMER = re.compile(rf"(?i)^[\s*_\-\[(]*(?:{wording.DISCLAIMERS})")
_POSTSCRIPT = re.compile(r"(?i)^\s*(?:p\.?\s?s\.?|n\.?b\.?)\s*[:.\-–]?\s+\S")
_CONTACT = re.compile(
    r"(?i)(?:\b(?:tel|phone|fon|mobile?|mob|cell|fax|direct|office|t|m|f|e|p|tlf|tél|puh|тел|web|www"
    r"|skype)\b\.?\s?[:.|+]"
    r"|\+?\(?\d[\d\s()./-]{7,}\d|https?://|\bwww\.|[^\s@<]{1,64}@[^\s@>]{2,100}\.\w"
    r"|\b(?:gmbh|ltd|llc|inc|s\.?r\.?l|s\.?a\.?r\.?l|b\.?v|a/s|aps|oyj?|corp|plc|pty|sp\. z o\.o|s\.r\.o|ооо"
    r"|тов|株式会社|有限公司)\b\.?"
    r"|\s\|\s|\b(?:manager|director|engineer|ceo|cto|cfo|geschäftsführer|head of|leiter)\b)"
)
_SENTENCE = (".", "?", "!", ":", ",", "。", "？", "！")
_DASHED_NAME = re.compile(r"^[-–—]{1,2}[^\W\d_][\w.'’]{1,20}(?: [^\W\d_][\w.'’]{0,20}){0,3}$")
_LIST_FOOTER = re.compile(
    r"(?i)\b(?:mailing list|unsubscribe|abmelden|mailman/listinfo|you received this message because)\b"
)


def settle(lines: list[Line], sender_name: str | None = None) -> None:
    """Marks signatures in each run of new lines."""
    start: int | None = None
    for at in range(len(lines) + 1):
        new = at < len(lines) and lines[at].kind == Kind.NEW
        if new and start is None:
            start = at
        elif not new and start is not None:
            _settle_run(lines, start, at, sender_name)
            start = None


def _settle_run(lines: list[Line], start: int, end: int, sender_name: str | None) -> None:
    texts = [line.text[:300] for line in lines[max(start, end - _LOOKED_AT) : end]]
    first = end - len(texts)
    above = any(line.text for line in lines[start:first])
    cut = _cut(texts, sender_name, above=above)
    for at in range(first + cut, end):
        if _POSTSCRIPT.match(lines[at].text[:300]):
            break
        lines[at].kind = Kind.SIGNATURE


def _cut(texts: list[str], sender_name: str | None, *, above: bool) -> int:
    """The line, of these, that the signature starts at; their number if there is none."""
    size = len(texts)
    cut = _delimiter(texts, above=above)
    while cut and (found := _last_lines(texts[:cut])) < cut:
        cut = found
    if (found := _contacts(texts[:cut], sender_name)) < cut and (found or above):
        cut = found
    return cut if cut < size else size


def _delimiter(texts: list[str], *, above: bool) -> int:
    for at, text in enumerate(texts):
        rest = [line for line in texts[at + 1 :] if line.strip()]
        if _DELIMITER.match(text) and len(rest) <= 15 and (len(rest) or at):
            if text.startswith("---") and not (rest and _looks_added(rest)):
                continue
            return at
        if _RULE.match(text) and rest and _looks_added(rest) and (at or above):
            return at
    return len(texts)


def _looks_added(rest: list[str]) -> bool:
    if len(rest) > 15:
        return False
    return any(_LIST_FOOTER.search(line) or _DISCLAIMER.match(line) or _CONTACT.search(line) for line in rest)


def _last_lines(texts: list[str]) -> int:
    """Cuts one advertisement or legal note off the end."""
    size = len(texts)
    seen = 0
    for at in range(size - 1, -1, -1):
        text = texts[at]
        if not text.strip():
            continue
        seen += 1
        if seen == 1 and at and _DASHED_NAME.match(text) and not texts[at - 1].startswith(("-", "–", "—")):
            return at
        if _SENT_FROM.match(text) and len(text) < 120 and seen <= 3:
            # With text below it alone, a person starts a sentence: "Sent from the wrong address, so again: …".
            return at if seen == 1 or any(line.strip() for line in texts[:at]) else size
        if _DISCLAIMER.match(text) and (not at or not texts[at - 1].strip() or seen == 1) and seen <= 12:
            return at
        if seen > 12:
            break
    return size


def _contacts(texts: list[str], sender_name: str | None) -> int:
    size = len(texts)
    written = [at for at in range(size) if texts[at].strip()]
    for at in reversed(written[-14:]):
        if len(texts[at]) <= 60 and _CLOSING.match(texts[at]):
            tail = [texts[one].strip() for one in written if one > at]
            return at if _is_card(tail) else size
    return _bare_card(texts, written, sender_name)


def _is_card(tail: list[str]) -> bool:
    if any(_POSTSCRIPT.match(line) for line in tail[:3]) or any(len(line) > 120 for line in tail[:2]):
        return False
    contacts = sum(bool(_CONTACT.search(line)) for line in tail)
    short = all(len(line) <= 70 and not line.endswith(_SENTENCE) for line in tail)
    named = len(tail) >= 2 and len(tail[0]) <= 60 and not tail[0].endswith(_SENTENCE) and not tail[0][:1].islower()
    return named and (contacts >= 1 or (len(tail) >= 3 and short))


def _bare_card(texts: list[str], written: list[int], sender_name: str | None) -> int:
    """The last paragraph, if it starts with the sender's own name and goes on with contact details."""
    if not sender_name or not written:
        return len(texts)
    first = written[-1]
    while first > 0 and texts[first - 1].strip():
        first -= 1
    words = [word for word in sender_name.lower().split() if len(word) > 1]
    named = words and all(word.strip(",") in texts[first].lower() for word in words) and len(texts[first]) < 60
    tail = [texts[at].strip() for at in written if at > first]
    return first if named and tail and any(_CONTACT.search(line) for line in tail) else len(texts)
