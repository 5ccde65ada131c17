"""Numbers that say how good retrieval and confidence are. All take plain sequences of equal length."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability curve: what was promised and what came true."""

    count: int
    promised: float
    right: float


def recall_at(k: int, ranked: Sequence[Sequence[str]], expected: Sequence[AbstractSet[str]]) -> float:
    """Share of questions with an expected article among the first `k`; questions without any are not counted."""
    found = [bool(wanted & set(ids[:k])) for ids, wanted in zip(ranked, expected, strict=True) if wanted]
    return float(np.mean(found)) if found else 0.0


def mrr_at(k: int, ranked: Sequence[Sequence[str]], expected: Sequence[AbstractSet[str]]) -> float:
    """Mean of 1 / rank of the first expected article among the first `k`, 0 where there is none."""
    ranks = [
        next((1 / place for place, article in enumerate(ids[:k], start=1) if article in wanted), 0.0)
        for ids, wanted in zip(ranked, expected, strict=True)
        if wanted
    ]
    return float(np.mean(ranks)) if ranks else 0.0


def auroc(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """The chance that a right one scores above a wrong one, ties counted half (Mann-Whitney U). None with one kind."""
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
    yes, no = int(labels.sum()), int((~labels).sum())
    if not yes or not no:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels].sum() - yes * (yes + 1) / 2) / (yes * no))


def reliability(promised: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Bins of equal width over 0 to 1, the empty ones left out."""
    values, labels = np.asarray(promised, dtype=np.float64), np.asarray(right, dtype=np.float64)
    places = np.minimum((values * bins).astype(int), bins - 1)
    return [
        Bin(int(mask.sum()), float(values[mask].mean()), float(labels[mask].mean()))
        for place in range(bins)
        if (mask := places == place).any()
    ]


def expected_calibration_error(promised: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean distance between promise and truth over the bins, weighted by their size (Naeini et al. 2015)."""
    found = reliability(promised, right, bins)
    total = sum(bin_.count for bin_ in found)
    return sum(bin_.count * abs(bin_.promised - bin_.right) for bin_ in found) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a threshold does to a set of questions. Shares of nothing are 1."""

    precision: float  # right among answered
    coverage: float  # answered among those that the knowledge covers
    escalated: float  # escalated among those that it does not cover


def at_threshold(
    threshold: float, confidence: Sequence[float], right: Sequence[bool], covered: Sequence[bool]
) -> Outcome:
    answered = np.asarray(confidence, dtype=np.float64) >= threshold
    is_right, is_covered = np.asarray(right, dtype=bool), np.asarray(covered, dtype=bool)
    return Outcome(_share(is_right[answered]), _share(answered[is_covered]), _share(~answered[~is_covered]))


def threshold_for_escalation(share: float, confidence: Sequence[float], covered: Sequence[bool]) -> float:
    """The lowest threshold that escalates at least `share` of what the knowledge does not cover."""
    outside = np.sort(np.asarray(confidence, dtype=np.float64)[~np.asarray(covered, dtype=bool)])
    allowed = int(np.floor((1 - share) * len(outside) + 1e-9))
    if allowed >= len(outside):
        return 0.0
    return float(np.nextafter(outside[len(outside) - 1 - allowed], 2.0))


def _share(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    return float(flags.mean()) if len(flags) else 1.0
