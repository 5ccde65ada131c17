"""Noticing that a customer asks again what an answer was meant to settle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.agent import wording
from core.agent.evidence import is_light, stems
from core.agent.state import Utterance

ALIKE = 0.8
"""Share of common words, of all words of both, from which two questions are one although a word was added."""

_WORD = re.compile(r"\w+")
_ASKING = frozenset({"how", "when", "where", "why", "who", "which"})
# Stems of what people say about asking itself.
_ABOUT_ASKING = frozenset(
    {"ask", "answer", "question", "repeat", "again", "alreadi", "said", "told", "say", "tell", "understand", "read"}
    | {"seriously", "serious", "hello", "want", "need", "know", "help", "ignor", "explain", "clear", "simpl", "pleas"}
)


def asks_again(text: str, history: Sequence[Utterance], *, negative: bool) -> bool:
    """Whether `text` is a question that an answer of ours followed before, put in other words or in anger.

    The very same text, calmly sent again, may be an accident: it gets the same answer again.
    """
    for earlier in _answered(history):
        if _plain(earlier) == _plain(text):
            if negative:
                return True
        elif _same_question(earlier, text, negative=negative):
            return True
    return False


def _answered(history: Sequence[Utterance]) -> Iterator[str]:
    """The customer's messages that an answer of ours came after."""
    waiting: list[str] = []
    for said in history:
        if said.author == "customer":
            waiting.append(said.text)
        elif said.author == "ai":
            if not wording.answers_nothing(said.text):
                yield from waiting
            waiting = []


def _same_question(earlier: str, now: str, *, negative: bool) -> bool:
    before, after = _telling(earlier), _telling(now)
    if not before or not after or not _asked_alike(earlier, now):
        return False
    if before == after:
        return True
    if not (before <= after or after <= before):
        return False  # each names something that the other does not: Austria, Germany
    common, either = len(before & after), len(before | after)
    return common / either >= ALIKE or (negative and common >= 2)


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem for stem in stems(text) if not is_light(stem) and stem not in _ABOUT_ASKING)


def _asked_alike(one: str, other: str) -> bool:
    ours, theirs = (_ASKING.intersection(_plain(text)) for text in (one, other))
    return not ours or not theirs or bool(ours & theirs)


def _plain(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))
