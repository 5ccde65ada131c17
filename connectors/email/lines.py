"""A mail's text, line by line, with what each line is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    NEW = 0
    SIGNATURE = 1
    ATTRIBUTION = 2
    QUOTE = 3


@dataclass(slots=True)
class Line:
    text: str
    kind: Kind = Kind.NEW
    depth: int = 0
    """How deeply quoted."""


MAX_TEXT = 250_000
"""Characters of a mail's text; what is beyond stays in the raw mail."""
_MARK = re.compile(r"[ \t]{0,2}((?:>[ \t]?)+)")
_ODD_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def from_text(text: str) -> list[Line]:
    """Lines of plain text, `>` read as quotation marks and taken away."""
    text = text[:MAX_TEXT].replace("\x00", "").replace("\xa0", " ").replace("\ufeff", "")
    return [_line(line) for line in _ODD_ENDS.sub("\n", text).split("\n")]


def _line(text: str) -> Line:
    if mark := _MARK.match(text[:200]):
        # ">From" is how mailbox files hide a line of the text that starts with "From".
        if not text.startswith(">From "):
            return Line(text[mark.end() :].rstrip(), Kind.QUOTE, mark[1].count(">"))
        text = text[1:]
    return Line(text.rstrip())


def unflow(text: str, *, delete_space: bool) -> str:
    """Format=flowed (RFC 3676) as the paragraphs that were written."""
    done: list[str] = []
    flowing = -1
    for line in text[:MAX_TEXT].replace("\r\n", "\n").split("\n"):
        mark = re.match(r">*", line)
        depth = mark.end() if mark else 0
        rest = line[depth:].removeprefix(" ")
        if flowing == depth and rest.rstrip() != "--":
            done[-1] = (done[-1][:-1] if delete_space else done[-1]) + rest
        else:
            done.append((">" * depth + " " if depth else "") + rest)
        flowing = depth if rest.endswith(" ") and rest != "-- " else -1
    return "\n".join(done)


def whole(lines: Iterable[Line]) -> str:
    """All of it to read, quotations marked with `>`."""
    return tidy((">" * line.depth + " " if line.depth else "") + line.text for line in lines)


def tidy(lines: Iterable[str]) -> str:
    """Joined, without blank lines at the ends and with at most two in a row."""
    done: list[str] = []
    for line in lines:
        if line.strip() or (done and (done[-1] or len(done) < 2 or done[-2])):
            done.append(line.rstrip())
    return "\n".join(done).strip("\n")
