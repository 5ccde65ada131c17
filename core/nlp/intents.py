"""What a message wants from us apart from an answer: a person, nothing but good manners, or to know what we are."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.nlp import surface
from core.nlp.phrases.asking import Asking
from core.nlp.phrases.patterns import normalise

Courtesy = Literal["greeting", "thanks", "goodbye", "self"]
"""`self`: whether we are a machine, who we are, what we can do."""

HEAD = Path(__file__).parent / "models" / "requests" / "head.npz"
PHRASES = Path(__file__).parent / "phrases"
# Who pastes a whole mail asks at its start or its end; the middle of a book is not searched.
LONGEST_TEXT = 2000
LONGEST_COURTESY = 160
# The vector of a long text is about its story, not about the request at its end.
LONGEST_JUDGED = 300
SURE, SURE_THOUGH_DENIED = 0.75, 0.9
KINDS: tuple[Courtesy, ...] = ("self", "goodbye", "thanks", "greeting")

_SENTENCE_END = re.compile(r"[.!?;\n\u2026\u3002\uff01\uff1f\uff1b\u061f\u0964]+")


def wants_human(text: str, vector: NDArray[np.float32] | None = None) -> bool:
    """Whether the writer asks to be put through to a person, in any of the languages under phrases/human.

    `vector` is the shipped encoder's for the same text, if there is one; it catches English wordings that no
    phrase foresees. A question about us ("are you a bot?", "when is support open?") is not a request.
    """
    sentences = [part for part in _SENTENCE_END.split(_ends(text)) if part.strip()]
    if any(_asking().asks(sentence) for sentence in sentences):
        return True
    if vector is None or len(text) > LONGEST_JUDGED:
        return False
    probability = _head().probability(text, vector)
    if probability < SURE or probability >= SURE_THOUGH_DENIED:
        return probability >= SURE
    return not any(_asking().disclaims(sentence) for sentence in sentences)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A logistic regression on the encoder's vector and on hashed words (core/nlp/build/requests.py)."""

    weights: NDArray[np.float32]
    bias: float
    words: NDArray[np.float16]

    @classmethod
    def read(cls, path: Path = HEAD) -> "RequestHead":
        with np.load(path) as data:
            return cls(data["weights"], float(data["bias"]), data["words"])

    def probability(self, text: str, vector: NDArray[np.float32]) -> float:
        rows = list(surface.buckets(surface.words(text)))
        spoken = self.words[rows].sum(dtype=np.float32) / np.sqrt(len(rows))
        return 1 / (1 + exp(-float(self.weights @ vector + spoken) - self.bias))


@cache
def _head() -> RequestHead:
    return RequestHead.read()


def _ends(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[: LONGEST_TEXT // 2]}\n{text[-LONGEST_TEXT // 2 :]}"


@cache
def _asking() -> Asking:
    return Asking.read(PHRASES / "human")


def courtesy(text: str) -> Courtesy | None:
    """The kind of a message that is nothing but good manners, or asks about us; None if it holds anything else.

    Of several kinds in one message the last word counts: "hi, ok thanks, bye" is a goodbye.
    """
    if not text.strip() or len(text) > LONGEST_COURTESY:
        return None
    book = _courtesy_book()
    words = _TOKEN.findall(normalise(text))
    found = book.kinds_of(tuple(_squeeze(word) for word in words)) if words else frozenset()
    if found is None and len(words) > 1 and "?" not in text and _NAME_AT_END.search(text.strip()):
        found = book.kinds_of(tuple(_squeeze(word) for word in words[:-1]))
    if found is None or (not words and not _only_symbols(text)):
        return None
    found |= {kind for kind, symbols in book.emoji.items() if any(symbol in text for symbol in symbols)}
    return next((kind for kind in KINDS if kind in found), None)


# A word, or one character of a script that does not separate words.
_ALONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
_NAME_AT_END = re.compile(r"\s[^\W\d_a-z][a-z\u00e0-\u024f]{1,11}[\s.!,)\u2019]*$")
_RUN = re.compile(r"(.)\1+")


def _squeeze(word: str) -> str:
    """ "helloooo" and "hello" alike; short words ("bb", "88") as they are."""
    return _RUN.sub(r"\1", word) if len(word) > 2 else word


def _only_symbols(text: str) -> bool:
    return not any(character.isalnum() or character in "?\u061f\uff1f" for character in text)


@dataclass(frozen=True, slots=True)
class CourtesyBook:
    phrases: Mapping[tuple[str, ...], Courtesy | None]
    longest: int
    emoji: Mapping[Courtesy, tuple[str, ...]]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "CourtesyBook":
        phrases: dict[tuple[str, ...], Courtesy | None] = {}
        for kind in reversed(KINDS):
            for phrase in data[kind]:
                phrases.setdefault(_tokens(phrase), kind)
        for filler in data["fillers"]:
            phrases.setdefault(_tokens(filler), None)
        emoji = {kind: tuple(data["emoji"].get(kind, ())) for kind in KINDS}
        return cls(phrases, max(map(len, phrases)), emoji)

    def kinds_of(self, words: tuple[str, ...]) -> frozenset[Courtesy] | None:
        """What the words say if they can be read as known phrases only, without remainder."""
        best: list[frozenset[Courtesy] | None] = [frozenset()] + [None] * len(words)
        for end in range(1, len(words) + 1):
            for start in range(max(0, end - self.longest), end):
                before = best[start]
                phrase = words[start:end]
                if before is not None and phrase in self.phrases:
                    kind = self.phrases[phrase]
                    best[end] = before | ({kind} if kind else frozenset())
                    break  # the longest phrase is tried first
        return best[-1]


def _tokens(phrase: str) -> tuple[str, ...]:
    return tuple(_squeeze(word) for word in _TOKEN.findall(normalise(phrase)))


@cache
def _courtesy_book() -> CourtesyBook:
    return CourtesyBook.read(tomllib.loads((PHRASES / "courtesy.toml").read_text("utf-8")))
