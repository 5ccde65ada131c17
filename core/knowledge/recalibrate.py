"""An organization's own calibration, from drafts that its people approved or rejected.

Two parameters on the logit (Platt 1999), held near "leave it as it is" by a Gaussian prior. Isotonic regression needs
about a thousand outcomes before it beats this (Niculescu-Mizil and Caruana 2005), and conformal prediction bounds
errors on average, where the promise here is made for each answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_OUTCOMES = 50
PRIOR_WEIGHT = 10.0  # as many outcomes as hold the slope at 1 and the offset at 0 with a deviation of 1


@dataclass(frozen=True, slots=True)
class Recalibration:
    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, confidence: float) -> float:
        return 1 / (1 + exp(-(self.offset + self.slope * _logit(confidence))))

    def needed(self, probability: float) -> float:
        """The confidence, as first given, that is worth this probability: the inverse."""
        if self == Recalibration():
            return probability
        return 1 / (1 + exp(-(_logit(probability) - self.offset) / self.slope))


def refit(outcomes: Sequence[tuple[float, bool]]) -> Recalibration:
    """From pairs of (confidence as first given, whether the answer was right). Below `FEWEST_OUTCOMES` nothing changes.

    The slope never falls below 0.1, so a surer answer stays a surer answer.
    """
    if len(outcomes) < FEWEST_OUTCOMES:
        return Recalibration()
    x = np.array([[1.0, _logit(confidence)] for confidence, _ in outcomes])
    y = np.array([right for _, right in outcomes], dtype=np.float64)
    found = _most_likely(x, y, np.array([0.0, 1.0]))
    return Recalibration(float(found[0]), max(float(found[1]), 0.1))


def _most_likely(x: Floats, y: Floats, prior: Floats) -> Floats:
    """Newton's method with halved steps: a full one overshoots where half of the sure answers are wrong."""

    def loss(at: Floats) -> float:
        misfit = np.logaddexp(0, x @ at).sum() - y @ (x @ at)
        return float(misfit + PRIOR_WEIGHT / 2 * ((at - prior) ** 2).sum())

    found = prior
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -30, 30)))
        gradient = x.T @ (p - y) + PRIOR_WEIGHT * (found - prior)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + PRIOR_WEIGHT * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-9:
            step = step / 2
        found = found - step
    return found


def _logit(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return log(kept / (1 - kept))
