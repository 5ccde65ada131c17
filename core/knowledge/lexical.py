"""The lexical side of retrieval: stemmed BM25, which finds codes, names and rare words that vectors blur."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import Stemmer
from numpy.typing import NDArray

from core.knowledge.copies import copy_groups

# Stems (Porter 2) of words that a question needs but that say nothing of its subject.
_EMPTY_WORDS = """
    a about all also am an and ani anyon are as at be been but by can cannot could did do doe don for from get
    got had has have hello help hey hi how i if im in into is it just know like ll made make may me might mine
    must my need no not now of ok on one or our out pleas quick re s shall should so some someon t tell than
    thank that the their them then there they thing this to too up us use ve veri want was we were what when
    where which who whi will with would yes you your
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_WORD = re.compile(r"\w+")
# Names a thing: E04, 27b6, 48213. An amount, a time, a date or a year does not.
_CODE = re.compile(
    r"(?!(?:\d+(?:st|nd|rd|th|am|pm|h|hr|hrs|min|days?|kg|g|cm|mm|m|km|l|ml|x|k)|(?:19|20)\d\d)$)"
    r"(?:[a-z]{1,4}\d+[a-z\d]*|\d+[a-z][a-z\d]*|\d{4,})$"
)
_FEWEST_DIGITS = 4  # of a number that is nobody's but the customer's
_SHORT = 600  # characters: a paragraph
_LOCAL = threading.local()  # a PyStemmer object must not be shared between threads
_K1 = 1.2  # how soon a repeated word stops counting
_B = 0.75  # how much a long document is held against it


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """`scores` and `coverage` hold a number in 0..1 for each document.

    `scores` is BM25 over the most that any document could reach for this text, `coverage` the share of the
    text's idf that occurs in the document, and `unknown` the share that occurs in none. `named` is 1 for a document
    that alone holds a code of the text, and -1 for one that lacks a code that it should hold, else 0.
    """

    scores: NDArray[np.float32]
    coverage: NDArray[np.float32]
    unknown: float
    named: NDArray[np.float32]


class Words:
    """Splits a text into stemmed lower-case words. Safe to share between threads."""

    def __call__(self, text: str) -> list[str]:
        return list(_remembered(text) if len(text) <= _SHORT else _stemmed(text))


@lru_cache(maxsize=4096)
def _remembered(text: str) -> tuple[str, ...]:
    """A sentence of an article is split for each question that it may answer."""
    return tuple(_stemmed(text))


def _stemmed(text: str) -> list[str]:
    stemmer = getattr(_LOCAL, "stemmer", None)
    if stemmer is None:
        stemmer = _LOCAL.stemmer = Stemmer.Stemmer("english")
    return list(stemmer.stemWords(_WORD.findall(text.lower())))


def content_words(text: str, words: Words) -> list[str]:
    """The stems that carry meaning, each once, in order."""
    return [word for word in dict.fromkeys(words(text)) if word not in _EMPTY]


class Lexicon:
    """An inverted index over documents, scored with Okapi BM25 (Robertson and Zaragoza 2009, eq. 3.15).

    `copies` gives for each document the number of the first one that says the same.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        self._words = Words()
        self._count = len(documents)
        counted = [Counter(self._words(document)) for document in documents]
        self.copies = copy_groups([frozenset(counts) for counts in counted])
        lengths = np.array([counts.total() for counts in counted], dtype=np.float32)
        norms = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0)) if counted else lengths
        found: dict[str, tuple[list[int], list[int]]] = {}
        for number, counts in enumerate(counted):
            for word, times in counts.items():
                numbers, frequencies = found.setdefault(word, ([], []))
                numbers.append(number)
                frequencies.append(times)
        self._postings = {
            word: (self._idf(len(numbers)), *_weights(numbers, frequencies, norms))
            for word, (numbers, frequencies) in found.items()
        }
        self._shapes = frozenset(_shape(word) for word in found if _CODE.match(word))

    def says_something(self, text: str) -> bool:
        """Whether there is anything to search for: not in "yes", nor in an order's number."""
        words = self._words(text)
        return (len(words) > 1 and not all(map(self._is_number, words))) or any(map(self._is_telling, words))

    def _is_telling(self, word: str) -> bool:
        return word not in _EMPTY and (word in self._postings or not self._is_number(word))

    def _is_number(self, word: str) -> bool:
        """Somebody's own: an order's, a customer's."""
        return self._is_foreign(word) and sum(character.isdigit() for character in word) >= _FEWEST_DIGITS

    def match(self, text: str) -> LexicalMatch:
        scores = np.zeros(self._count, dtype=np.float32)
        coverage = np.zeros(self._count, dtype=np.float32)
        total = unknown = 0.0
        words = dict.fromkeys(self._words(text))
        for word in words:
            posting = self._postings.get(word)
            if posting is None:
                # That no article says "please", or knows the customer's order number, tells nothing.
                unknown += 0.0 if word in _EMPTY or self._is_foreign(word) else self._idf(0)
                continue
            idf, numbers, weights = posting
            total += idf
            scores[numbers] += idf * weights
            coverage[numbers] += idf
        total = max(total + unknown, 1e-6)
        return LexicalMatch(scores / (total * (_K1 + 1)), coverage / total, unknown / total, self._named(words))

    def _named(self, words: Iterable[str]) -> NDArray[np.float32]:
        named = np.zeros(self._count, dtype=np.float32)
        for code in filter(_CODE.match, words):
            numbers = self._postings[code][1] if code in self._postings else ()
            if len(numbers) and len(np.unique(self.copies[numbers])) == 1:
                named[named == 0] = -1
                named[numbers] = 1
            elif not len(numbers) and not self._is_foreign(code):
                named[named == 0] = -1
        return named

    def _is_foreign(self, word: str) -> bool:
        """Whether the word is a number or a code of a kind that the documents do not use: somebody's own, such as an
        order's."""
        return bool(_CODE.match(word)) and (word.isdigit() or _shape(word) not in self._shapes)

    def _idf(self, documents: int) -> float:
        return float(np.log1p((self._count - documents + 0.5) / (documents + 0.5)))


def _shape(code: str) -> str:
    """E04 and F17 look alike."""
    return re.sub(r"[a-z]", "a", re.sub(r"\d", "0", code))


def _weights(
    numbers: list[int], frequencies: list[int], norms: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    rows = np.array(numbers, dtype=np.int32)
    times = np.array(frequencies, dtype=np.float32)
    return rows, (times * (_K1 + 1) / (times + norms[rows])).astype(np.float32)
