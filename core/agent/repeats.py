"""Noticing that a customer asks again what an answer was meant to settle, and that we would say again what we said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.agent import wording
from core.agent.evidence import is_light, stems
from core.agent.state import Proposal, Utterance
from core.knowledge.extract import passages_of

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
    words, now = _plain(text), _asked_about(text)
    for earlier in _answered(history):
        before = _plain(earlier)
        if before == words:
            if negative:
                return True
        elif _asked_alike(before, words) and _same_subject(_asked_about(earlier), now, negative=negative):
            return True
    return False


def says_the_same(proposal: Proposal, history: Sequence[Utterance]) -> bool:
    """Whether it is the very part of a longer page that our last message quoted."""
    last = next((said.text for said in reversed(history) if said.author == "ai"), "")
    if proposal.findings is not None or proposal.text not in last:
        return False
    quoted = [hit.passage for hit in proposal.sources]
    return any(view not in quoted for hit in proposal.sources for view in passages_of(hit.article))


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


def _same_subject(before: frozenset[str], now: frozenset[str], *, negative: bool) -> bool:
    first, second = (frozenset(stem for stem in words if not is_light(stem)) for words in (before, now))
    common, either = len(first & second), len(first | second)
    if common < 2:  # one word is a topic; only with its lesser words ("how long … take") it is a question
        return bool(common) and before == now
    if not (first <= second or second <= first):
        return False  # each names something that the other does not: Austria, Germany
    return common / either >= ALIKE or negative


def _asked_about(text: str) -> frozenset[str]:
    return stems(text) - _ABOUT_ASKING


def _asked_alike(before: Sequence[str], now: Sequence[str]) -> bool:
    """Not "how" against "when"."""
    one, other = _ASKING.intersection(before), _ASKING.intersection(now)
    return not one or not other or bool(one & other)


def _plain(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))
