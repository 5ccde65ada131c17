"""What the headers say: people, ids, dates. Bounded and linear, whatever they hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connectors.email.charsets import decode_words
from connectors.email.structure import Part, printable
from core.messages import Person

MAX_PEOPLE = 20_000
MAX_IDS = 200

# One mailbox of a list up to its comma: quoted strings, angle brackets and comments may hold commas.
_MAILBOX = re.compile(r"""\s*((?:"(?:[^"\\]|\\.){0,120}+"|<[^<>]*+>|\([^()]*+\)|[^,;"<(]|["<(])++)[,;]?""", re.S)
_ANGLE = re.compile(r"<\s*([^<>]*?)\s*>")
_ADDRESS = re.compile(r"""[^\s<>()\[\]",;:@\\]{1,128}@[^\s<>()",;:@\\]{1,255}""")
_COMMENT = re.compile(r"\(([^()]*)\)")
_ID = re.compile(r"<([^<>]{1,500})>")
_WHITE = re.compile(r"\s+")
# "mailto:" and "smtp:" of careless programs, and the name of a group ("Team: a@b.example, …;").
_PREFIX = re.compile(r"[^\"<>@:]{0,200}:")


def person(address: str, name: str | None = None) -> Person:
    """`external_id` is the address in small letters; `email` as it was written (a token in it may need that)."""
    name = printable(decode_words(name)).strip("\"' ")[:200] if name else ""
    return Person(
        external_id=address.lower(), name=name if name and name.lower() != address.lower() else None, email=address
    )


def people(value: str) -> tuple[Person, ...]:
    """Everyone in an address header's raw value. What holds no address is left out."""
    found = []
    for match in _MAILBOX.finditer(value[: 2**20]):
        if one := _mailbox(match[1].strip()):
            found.append(one)
        if len(found) >= MAX_PEOPLE:
            break
    return tuple(found)


def _mailbox(text: str) -> Person | None:
    if "@" not in text:
        text = decode_words(text) if "=?" in text else text
        if "@" not in text:
            return None
    text = text[prefix.end() :].strip() if (prefix := _PREFIX.match(text)) else text
    angles = [angle for angle in _ANGLE.finditer(text) if "@" in angle[1]]
    if angles:
        address = _ADDRESS.search(angles[-1][1])
        name = text[: angles[-1].start()].strip()
    else:
        address = _ADDRESS.search(text)
        comment = _COMMENT.search(text)
        name = comment[1] if comment else (text[: address.start()].strip() if address else "")
    if address is None:
        return None
    return person(address[0].strip("'.`"), _unescaped(name))


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name.strip().strip('"')) if name else ""


def all_people(part: Part, *names: str) -> tuple[Person, ...]:
    """Of all headers of these names, each address once."""
    found: dict[str, Person] = {}
    for name in names:
        for value in part.headers.get(name, ())[:50]:
            for one in people(value):
                found.setdefault(one.external_id, one)
    return tuple(found.values())


def ids(value: str) -> tuple[str, ...]:
    """Message-IDs in their angle brackets, oldest first; of very many the first and the newest."""
    packed = _WHITE.sub("", value[: 2**18]) if "<" in value else value[: 2**18]
    found = [f"<{printable(one)}>" for one in _ID.findall(packed)]
    if not found:
        found = [f"<{printable(one)}>" for one in value[: 2**16].split() if "@" in one and len(one) <= 500]
    found = list(dict.fromkeys(found))
    return tuple(found if len(found) <= MAX_IDS else [found[0], *found[-MAX_IDS + 1 :]])


def date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value[:200])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
