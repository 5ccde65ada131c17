"""Phrase patterns that a native speaker can read, compiled to linear regular expressions.

A pattern is words with a little notation, so that the data files need no regular expressions:

    connect [me] (to|with) {person}     literal words, an optional one, alternatives, a named list
    speak*                              a word that starts with "speak"
    agent ... now                       up to three words in between
    ^human$                             the start and the end of the sentence

Patterns and messages go through the same `normalise`, so accents, apostrophes and case never matter.
Thousands of patterns stay cheap because each knows which words it cannot match without: a message's
`keys` find the few that are worth a look, and only those are ever compiled.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
LONGEST_KEY = 6

_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670]")
_NO_WORD = re.compile(r"[^\w\s\u0900-\u097f\u0e00-\u0e7f\u3099\u309a]|_")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th",
                          "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي"})  # fmt: skip
_PIECE = re.compile(r"\.\.\.|[\^$()|\[\]]|\{\w+\}|[^\s()|\[\]{}^$]+")
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")

# Of each set, at least one key has to occur.
Needs = tuple[frozenset[str], ...]


@lru_cache(maxsize=512)
def normalise(text: str) -> str:
    """The words of `text` in lower case, without accents or punctuation, one space between them.

    Kept, because everything that looks for phrases asks for the same message and its sentences.
    """
    if text.isascii():
        return " ".join(_NO_WORD.sub(" ", text.lower()).split())
    plain = unicodedata.normalize("NFKD", text.casefold())
    folded = unicodedata.normalize("NFC", _MARKS.sub("", plain)).translate(_LETTERS)
    return " ".join(_NO_WORD.sub(" ", folded).split())


def prepare(normalised: str, *, spaced: bool) -> str:
    """Normalised text in the form that patterns are searched in."""
    return f" {normalised}" if spaced else normalised.replace(" ", "")


@lru_cache(maxsize=128)
def keys(normalised: str) -> frozenset[str]:
    """Everything a pattern may need: the words, their beginnings ("spe*"), pieces of unspaced scripts."""
    words = set(normalised.split())
    found = set(words)
    for word in words:
        found.update(f"{word[:length]}*" for length in range(1, len(word) + 1))
    unspaced = () if normalised.isascii() else _UNSPACED_RUN.findall(normalised.replace(" ", ""))
    for run in unspaced:
        for length in range(1, LONGEST_KEY + 1):
            found.update(f"{run[start : start + length]}*" for start in range(len(run) - length + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Pattern:
    GAP: ClassVar[str] = " ~"

    source: str
    needs: Needs

    def possible(self, present: frozenset[str]) -> bool:
        return all(not need.isdisjoint(present) for need in self.needs)

    def search(self, prepared: str) -> bool:
        return _compiled(self.source).search(prepared) is not None

    def remove(self, prepared: str) -> str:
        """The text with `GAP` where the pattern matched, so that the words beside it stay apart."""
        return _compiled(self.source).sub(self.GAP, prepared)


@dataclass(frozen=True, slots=True)
class PatternSet:
    """Patterns of a spaced language of which any may match, with a quick look whether one could."""

    patterns: tuple[Pattern, ...]
    words: frozenset[str]
    stems: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> "PatternSet":
        kept = tuple(patterns)
        needed = frozenset[str]().union(*(rarest(pattern.needs) for pattern in kept))
        words = frozenset(key for key in needed if not key.endswith("*"))
        return cls(kept, words, tuple(key[:-1] for key in needed - words))

    def matches(self, text: str) -> bool:
        normalised = normalise(text)
        words = normalised.split()
        if self.words.isdisjoint(words) and not any(word.startswith(self.stems) for word in words):
            return False
        present, prepared = keys(normalised), prepare(normalised, spaced=True)
        return any(pattern.possible(present) and pattern.search(prepared) for pattern in self.patterns)


@lru_cache(maxsize=8192)
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


class Reader:
    """Reads the patterns of one language. `spaced` is False for scripts that do not separate words."""

    def __init__(self, lists: Mapping[str, Sequence[str]], *, spaced: bool) -> None:
        self.lists, self.spaced = lists, spaced
        self.read_lists: dict[str, tuple[str, Needs]] = {}

    def pattern(self, text: str) -> Pattern:
        """Raises ValueError, naming the pattern, if it cannot be read or would match anything at all."""
        source, needs = _Descent(text, self).read()
        if not needs:
            raise ValueError(f"The phrase {text!r} needs no particular word, so it would match everything.")
        return Pattern(source + ("(?= |$)" if self.spaced else ""), needs)

    def list_part(self, name: str, asker: str) -> tuple[str, Needs]:
        if name not in self.lists:
            raise ValueError(f"The phrase {asker!r} names the unknown list {name!r}.")
        if name not in self.read_lists:
            parts = [_Descent(item, self).read() for item in self.lists[name]]
            # Longest first: "human being" has to be tried before "human".
            expression = "|".join(sorted((part for part, _ in parts), key=len, reverse=True))
            self.read_lists[name] = f"(?:{expression})", _either([needs for _, needs in parts])
        return self.read_lists[name]


def _either(branches: Sequence[Needs]) -> Needs:
    """What all branches need: one key of the rarest need of each."""
    if not all(branches):
        return ()
    return (frozenset[str]().union(*(rarest(needs) for needs in branches)),)


def rarest(needs: Needs) -> frozenset[str]:
    return max(needs, key=_rarity)


def _rarity(need: frozenset[str]) -> tuple[int, int]:
    """Short words occur in every message, so prefer the set whose shortest word is longest."""
    return min(len(key.rstrip("*")) for key in need), -len(need)


class _Descent:
    """Recursive descent over one pattern; every part gives its expression and what it needs."""

    def __init__(self, text: str, reader: Reader) -> None:
        self.text, self.reader = text, reader
        self.pieces = _PIECE.findall(text)
        self.position = 0

    def read(self) -> tuple[str, Needs]:
        part = self._alternatives()
        if self.position < len(self.pieces):
            raise ValueError(f"Unbalanced bracket in the phrase {self.text!r}.")
        return part

    def _alternatives(self) -> tuple[str, Needs]:
        branches = [self._sequence()]
        while self._peek() == "|":
            self.position += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return "(?:" + "|".join(part for part, _ in branches) + ")", _either([needs for _, needs in branches])

    def _sequence(self) -> tuple[str, Needs]:
        parts = []
        while self._peek() not in ("", "|", ")", "]"):
            parts.append(self._item())
        return "".join(part for part, _ in parts), tuple(need for _, needs in parts for need in needs)

    def _item(self) -> tuple[str, Needs]:
        piece = self._next()
        if piece in ("(", "["):
            return self._group(piece)
        if piece in ("^", "$"):
            return piece, ()
        if piece == "...":
            return (r"(?: \S+){0,3}" if self.reader.spaced else ".{0,8}"), ()
        if piece.startswith("{"):
            return self.reader.list_part(piece[1:-1], self.text)
        return self._word(piece)

    def _group(self, opening: str) -> tuple[str, Needs]:
        expression, needs = self._alternatives()
        if self._next() != (")" if opening == "(" else "]"):
            raise ValueError(f"Unbalanced bracket in the phrase {self.text!r}.")
        return (f"(?:{expression})", needs) if opening == "(" else (f"(?:{expression})?", ())

    def _word(self, piece: str) -> tuple[str, Needs]:
        stem = normalise(piece.rstrip("*"))
        if not stem:
            raise ValueError(f"Nothing is left of {piece!r} in the phrase {self.text!r}.")
        if not self.reader.spaced:
            joined = stem.replace(" ", "")
            return re.escape(joined), (frozenset({joined[:LONGEST_KEY] + "*"}),)
        words = stem.split()
        tail = r"\S*" if piece.endswith("*") else ""
        wanted = [*words[:-1], words[-1] + ("*" if tail else "")]
        return "".join(f" {word}" for word in words) + tail, tuple(frozenset({word}) for word in wanted)

    def _peek(self) -> str:
        return self.pieces[self.position] if self.position < len(self.pieces) else ""

    def _next(self) -> str:
        piece = self._peek()
        if not piece:
            raise ValueError(f"The phrase {self.text!r} ends too early.")
        self.position += 1
        return piece
