"""`python -m tests.connectors.email.quoting`: how well the newly written text is found, ours beside the libraries'.

A library that is not installed is left out; none of them is needed to run Deskhand. Both measures are over
lines without the blank ones and the space around them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from connectors.email import content, lines, readable, structure
from connectors.email.inbound import parse_email
from tests.connectors.email.corpus import Written, mails

NOT_ABOUT_QUOTING = ("mime-", "auto-", "not-auto-", "bounce-")

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl", "da", "sv", "cs", "ja", "zh"]


def about_quoting(part: str) -> list[Written]:
    return [mail for mail in mails(part) if not mail.name.partition("/")[2].startswith(NOT_ABOUT_QUOTING)]


def plain(raw: bytes) -> str:
    """What a library for plain text is given: the mail's text, or what its HTML says."""
    passages = content.collect(structure.read(raw)).passages
    return "\n".join(one.text or lines.whole(readable.read(one.html).lines) for one in passages).replace("\r\n", "\n")


def candidates() -> Iterator[tuple[str, Callable[[bytes], str]]]:
    yield "nothing removed", plain
    if find_spec("mailparser_reply"):
        reader = import_module("mailparser_reply").EmailReplyParser(
            languages=["en", "de", "fr", "es", "it", "nl", "pl"]
        )
        yield "mail-parser-reply", lambda raw: reader.parse_reply(text=plain(raw)) or ""
    if find_spec("email_reply_parser"):
        parser = import_module("email_reply_parser").EmailReplyParser
        yield "email-reply-parser", lambda raw: parser.parse_reply(plain(raw))
    if find_spec("quotequail"):
        unwrap = import_module("quotequail").unwrap
        yield "quotequail.unwrap", lambda raw: _top(unwrap(plain(raw)), plain(raw))
    yield "connectors.email", lambda raw: parse_email(raw).text


def _top(unwrapped: dict[str, str] | None, text: str) -> str:
    return unwrapped.get("text_top", "") if unwrapped else text


def written_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def scores(found: str, expected: str) -> tuple[bool, int, int, int]:
    """Exact, and the lines that are right, found and expected."""
    got, wanted = written_lines(found), written_lines(expected)
    return got == wanted, (Counter(got) & Counter(wanted)).total(), len(got), len(wanted)


def measure(find: Callable[[bytes], str], written: list[Written]) -> tuple[float, float, float]:
    """Exact match, F1 of lines, milliseconds of CPU a mail."""
    start = time.process_time()
    found = [find(mail.raw) for mail in written]
    took = (time.process_time() - start) * 1_000 / len(written)
    results = [scores(text, mail.expected["text"]) for text, mail in zip(found, written, strict=True)]
    right, got, wanted = (sum(result[at] for result in results) for at in (1, 2, 3))
    return sum(result[0] for result in results) / len(results), 2 * right / (got + wanted), took


def main() -> None:
    parts = {part: about_quoting(part) for part in ("dev", "held")}
    head = " | ".join(f"{part}, {len(written)} mails: exact | F1 | ms" for part, written in parts.items())
    print(f"| choice | {head} |")  # noqa: T201
    print("|---" * (1 + 3 * len(parts)) + "|")  # noqa: T201
    for name, find in candidates():
        measure(find, parts["dev"])  # warm
        cells = [
            f"{exact:.2f} | {f1:.2f} | {ms:.2f}" for exact, f1, ms in (measure(find, one) for one in parts.values())
        ]
        print(f"| {name} | {' | '.join(cells)} |")  # noqa: T201


if __name__ == "__main__":
    main()
