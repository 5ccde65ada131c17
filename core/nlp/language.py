"""The language of a short message, from byte n-grams (see core/nlp/build/languages.py) and its script."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).parent / "models" / "language" / "ngrams.npz"
LONGEST = 600
"""Characters looked at: more do not change the answer."""
FEWEST_LETTERS = 6
SURE = 1.6
"""How many times as likely as the default another language has to be, with some leeway."""
LEEWAY = 0.1
HOME = 0.7
"""How much more likely than any other the default language is before a word is read, in nats."""

_NO_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\S*[\d_/\\{}<>=|]\S*|[^\w\s'’]", re.UNICODE)
# A script that one language alone writes, of those we know.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("bn", re.compile("[\u0980-\u09ff]")),
    ("ta", re.compile("[\u0b80-\u0bff]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
)
# Scripts that several of our languages share, and no other uses.
_SHARED = (
    (re.compile("[\u0400-\u04ff]"), frozenset({"ru", "uk", "bg", "sr", "mk"})),
    (re.compile("[\u0600-\u06ff]"), frozenset({"ar", "fa", "ur"})),
)
# No other language has these words: where two of them make up a quarter of the text, nothing has to be counted.
_ENGLISH = frozenset(
    (
        *("the", "my", "your", "what", "where", "how", "does", "have", "this", "that", "with", "would", "when"),
        *("which", "there", "been", "from", "could", "should", "you", "don't", "isn't", "doesn't", "they", "their"),
        *("why", "who"),
    )
)
_SAME = {"nn": "no", "nb": "no"}


@dataclass(frozen=True, slots=True)
class LanguageTable:
    """`rows` finds a byte n-gram's row in `table`, which has log-probabilities by language."""

    languages: tuple[str, ...]
    rows: dict[bytes, int]
    lengths: tuple[int, ...]
    table: NDArray[np.float16]
    prior: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path = TABLE) -> "LanguageTable":
        with np.load(path) as data:
            joined, lengths = data["grams"].tobytes(), data["lengths"].tolist()
            ends = list(accumulate(lengths))
            rows = {
                joined[end - length : end]: row for row, (end, length) in enumerate(zip(ends, lengths, strict=True))
            }
            longest_first = tuple(sorted(set(lengths), reverse=True))
            return cls(tuple(data["languages"].tolist()), rows, longest_first, data["table"], data["prior"])

    def probabilities(self, text: str, default: str) -> dict[str, float]:
        encoded = unicodedata.normalize("NFC", text).encode("utf-8", "ignore")
        counts = self._counts(encoded)
        scores = self.prior.copy()
        if counts:
            weights = np.log1p(np.array(list(counts.values()), dtype=np.float32))
            scores += weights @ self.table[list(counts)].astype(np.float32)
        # Longer texts give sharper scores than they deserve, because n-grams overlap.
        scores /= np.sqrt(max(len(encoded), 1))
        scores += np.array([HOME if language == default else 0.0 for language in self.languages], dtype=np.float32)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        found: Counter[str] = Counter()
        for language, share in zip(self.languages, shares.tolist(), strict=True):
            found[_SAME.get(language, language)] += share
        return dict(found)

    def _counts(self, encoded: bytes) -> Counter[int]:
        """How often each known n-gram ends a stretch of the text; of those that end together, the longest."""
        counts: Counter[int] = Counter()
        for end in range(1, len(encoded) + 1):
            for length in self.lengths:
                row = self.rows.get(encoded[max(0, end - length) : end])
                if row is not None:
                    counts[row] += 1
                    break
        return counts


def detect(text: str, default: str = "en") -> str:
    """The ISO 639-1 code of the text's language; `default` if it is too short or too unclear to tell.

    Norwegian is "no" in both its forms.
    """
    words = " ".join(_NO_LANGUAGE.sub(" ", text[:LONGEST]).split())
    if default == "en" and _plainly_english(words):
        return default
    foreign_letters = not words.isascii()
    if foreign_letters and (alone := _by_script(words)):
        return alone
    possible = _sharing_script(words) if foreign_letters else frozenset[str]()
    letters = sum(character.isalpha() for character in words)
    if not letters or (letters < FEWEST_LETTERS and not possible):
        return default
    shares = _table().probabilities(words.lower() if words.isupper() else words, default)
    best = max(possible or shares, key=lambda language: shares.get(language, 0.0))
    return best if possible or shares[best] >= SURE * (shares.get(default, 0.0) + LEEWAY) else default


def _plainly_english(words: str) -> bool:
    found = words.lower().split()
    hits = sum(word in _ENGLISH for word in found)
    return hits >= 2 and 4 * hits >= len(found)


def _by_script(words: str) -> str | None:
    letters = sum(character.isalpha() for character in words)
    for language, script in _SCRIPTS:
        found = len(script.findall(words))
        # Japanese mixes scripts: a few kana among many kanji are enough.
        if found and found >= letters * (0.1 if language == "ja" else 0.4):
            return language
    return None


def _sharing_script(words: str) -> frozenset[str]:
    letters = sum(character.isalpha() for character in words)
    for script, languages in _SHARED:
        if len(script.findall(words)) > letters * 0.5:
            return languages
    return frozenset()


@cache
def _table() -> LanguageTable:
    return LanguageTable.read()
