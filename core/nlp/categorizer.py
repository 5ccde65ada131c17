"""Which of an organization's own categories a message belongs to, from the vector that it has already; or none.

A category is a sentence and a few examples. How alike a message and a category look depends on how narrow the
categories are, so they set the scale themselves: each example is left out in turn and compared with its own
category and with the best other one. Only what stands out from that is assigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from core.nlp.encoder import Vector

CENTROID = 0.85  # its share in a score; the rest is the nearest example's. Flat from 0.7 to 1 on the dev sets.
SENTENCE = 0.9  # a category's sentence describes messages, it is none
# A logistic model of how far a message stands out, fitted on banking77 and clinc150 dev (12 categories at a time,
# the rest of their questions belonging to none) and on tests/data/categories/*.dev.
ABOVE_WRONG, BEYOND_LEAD, BIAS = 9.3, 7.6, -0.05
ASSIGNED = 0.5
NEARLY_SAME = 0.85
"""A message this near to an example is of its category, whatever the others say: right 98 times in 100 there."""


@dataclass(frozen=True, slots=True)
class Category:
    """`about` is the vector of its name and sentence; `examples` has one row an example, and may be empty."""

    name: str
    about: Vector
    examples: Vector


class Categorizer:
    """Built once, never changed. `foreign` are examples of what belongs to no category."""

    def __init__(self, categories: Sequence[Category] = (), foreign: Vector | None = None) -> None:
        self.categories = tuple(categories)
        self._foreign = foreign
        if not self.categories:
            return
        rows = [np.vstack([category.examples, SENTENCE * category.about]) for category in self.categories]
        self._rows = np.vstack(rows).astype(np.float32)
        counts = [len(found) for found in rows]
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._sums = np.stack([c.examples.sum(axis=0) + c.about for c in self.categories]).astype(np.float32)
        self._centroids = _unit(self._sums)
        self._usual_wrong, self._usual_lead = self._own_scale()

    def assign(self, vector: Vector) -> str | None:
        """The name of the category that the message belongs to; None if it stands out for none."""
        if not self.categories:
            return None
        likeness = self._rows @ vector
        if self._foreign is not None and len(self._foreign) and (self._foreign @ vector).max() > likeness.max():
            return None
        nearest = np.maximum.reduceat(likeness, self._starts)
        if nearest.max() >= NEARLY_SAME:
            return self.categories[int(nearest.argmax())].name
        scores = self._scores(nearest, self._centroids @ vector)
        best = int(scores.argmax())
        above, beyond = scores[best] - self._usual_wrong, _lead(scores, best) - self._usual_lead
        total = float(ABOVE_WRONG * above + BEYOND_LEAD * beyond + BIAS)
        return self.categories[best].name if 1 / (1 + exp(-total)) >= ASSIGNED else None

    def _scores(self, nearest: Vector, centrality: Vector) -> Vector:
        scores: Vector = (1 - CENTROID) * nearest + CENTROID * centrality
        return scores

    def _own_scale(self) -> tuple[float, float]:
        """Means over the examples, each left out of its category: the best other category's score, and the lead of
        its own over that."""
        wrong, leads = [], []
        for number, category in enumerate(self.categories):
            for place, example in enumerate(category.examples):
                likeness = self._rows @ example
                likeness[self._starts[number] + place] = -1.0
                centrality = self._centroids @ example
                centrality[number] = float(_unit(self._sums[number] - example) @ example)
                scores = self._scores(np.maximum.reduceat(likeness, self._starts), centrality)
                leads.append(_lead(scores, number))
                wrong.append(float(scores[number] - leads[-1]))
        return (float(np.mean(wrong)), float(np.mean(leads))) if wrong else (0.3, 0.1)


def _lead(scores: Vector, of: int) -> float:
    """Its score over the best other one's; over nothing where it is alone."""
    others = np.delete(scores, of)
    return float(scores[of] - others.max(initial=0.0))


def _unit(vectors: Vector) -> Vector:
    unit: Vector = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return unit
