"""Finds articles that say the same, so that a copy is neither shown as a second answer nor taken for a rival.

Candidates come from MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4): four
bands of four minima miss about one in a hundred pairs that share 95% of their words. Each candidate is then compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_DIFFERENT = 0.05  # share of the words that two copies may differ in
_BANDS, _ROWS = 4, 4
_PRIME = 2_147_483_647


def copy_groups(documents: Sequence[frozenset[str]]) -> NDArray[np.int32]:
    """For each document, given as its words, the number of the first document that says the same (often its own).

    Words with a digit must all agree: pages that differ in one error code are not copies.
    """
    numbers: dict[str, int] = {}
    codes = [frozenset(word for word in words if any(sign.isdigit() for sign in word)) for words in documents]
    groups = np.arange(len(documents), dtype=np.int32)
    seen: dict[tuple[object, ...], list[int]] = {}
    factors, offsets = _hashes()
    for this, words in enumerate(documents):
        ids = np.array([numbers.setdefault(word, len(numbers)) for word in sorted(words)], dtype=np.int64)
        if not len(ids):
            continue
        minima = ((ids[:, None] * factors + offsets) % _PRIME).min(axis=0)
        for band in range(_BANDS):
            key = (band, *minima[band * _ROWS : (band + 1) * _ROWS].tolist(), codes[this])
            firsts = seen.setdefault(key, [])
            original = next((first for first in firsts if _alike(documents[first], words)), None)
            if original is not None:
                groups[this] = groups[original]
                break
            firsts.append(this)
    return groups


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one ^ other) <= MOST_DIFFERENT * len(one | other)


def _hashes() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    draw = np.random.default_rng(0)
    count = _BANDS * _ROWS
    return draw.integers(1, 1 << 30, count), draw.integers(0, _PRIME, count)
