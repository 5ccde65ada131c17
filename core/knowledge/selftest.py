"""What a knowledge learns about itself before anybody asks: its own questions are put to it with themselves
left out.

With the whole article left out, the best score that remains is how alike a *wrong* article can look here.
With only the question left out, the rest of its article should still win: that says how far passages can be
trusted beside questions. Nothing here needs a label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.knowledge.lexical import Lexicon
from core.knowledge.space import Cosines, Matrix, Space, best_per_article, sums, unit

MOST_PROBES = 1_000  # a larger knowledge is sampled evenly: quantiles are settled long before
FEWEST_PROBES = 30
PASSAGE_WEIGHTS = (0.4, 0.7, 1.0, 1.5)
USUAL_PASSAGE_WEIGHT = 1.0
ASKED_WEIGHT = 0.5
LEXICAL_WEIGHT = 0.4


@dataclass(frozen=True, slots=True)
class Weights:
    """How an article's score is mixed. The centroid has weight 1."""

    asked: float = ASKED_WEIGHT
    passage: float = USUAL_PASSAGE_WEIGHT
    lexical: float = LEXICAL_WEIGHT

    def mix(self, cosines: Cosines, lexical: Matrix) -> Matrix:
        dense = cosines.centroid + self.asked * cosines.asked + self.passage * cosines.passage
        mixed: Matrix = (dense + self.lexical * lexical) / (1 + self.asked + self.passage)
        return mixed


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`wrong` are the sorted best scores with the asking article left out, one a probe; `margins` the lead
    of the best over the second among them."""

    weights: Weights
    wrong: NDArray[np.float32]
    margins: NDArray[np.float32]


def run(space: Space, lexicon: Lexicon, texts: Sequence[str], titles: NDArray[np.bool_]) -> SelfTest:
    """`texts` are the questions' texts, in the order of `space.questions`; `titles` says which are only
    titles."""
    if space.articles < 2:
        return SelfTest(Weights(), np.zeros(0, np.float32), np.zeros(0, np.float32))
    chosen = _probes(titles)
    cosines = space.cosines(space.questions.vectors[chosen])
    lexical = np.stack([lexicon.match(texts[number]).scores for number in chosen])
    owners = space.questions.owners[chosen]
    # A title stands in each passage of its page, so it cannot say what passages are worth.
    weights = Weights() if titles[chosen].any() else Weights(passage=_passage_weight(space, cosines, chosen))
    scores = weights.mix(cosines, lexical)
    scores[np.arange(len(chosen)), owners] = -1.0
    best = np.sort(scores, axis=1)[:, -2:]
    return SelfTest(weights, np.sort(best[:, 1]), best[:, 1] - best[:, 0])


def _probes(titles: NDArray[np.bool_]) -> NDArray[np.intp]:
    probes = np.flatnonzero(~titles)
    if len(probes) < FEWEST_PROBES:
        probes = np.arange(len(titles))
    evenly = np.linspace(0, len(probes) - 1, min(len(probes), MOST_PROBES)).astype(np.intp)
    return np.asarray(probes[np.unique(evenly)])


def _passage_weight(space: Space, cosines: Cosines, chosen: NDArray[np.int_]) -> float:
    """The weight with which most questions, left out themselves, still find their article; ties to the
    usual."""
    owners = space.questions.owners
    sibling = np.bincount(owners, minlength=space.articles)[owners[chosen]] > 1
    if sibling.sum() < FEWEST_PROBES:
        return USUAL_PASSAGE_WEIGHT
    rows, own = np.flatnonzero(sibling), owners[chosen][sibling]
    asking = space.questions.vectors[chosen][sibling]
    centroid, asked = cosines.centroid[rows].copy(), cosines.asked[rows].copy()
    rest = unit(sums(space.questions, space.articles)[own] - asking)
    centroid[np.arange(len(rows)), own] = (asking * rest).sum(axis=1)
    others = asking @ space.questions.vectors.T
    others[np.arange(len(rows)), chosen[sibling]] = -1.0
    asked[np.arange(len(rows)), own] = best_per_article(others, owners, space.articles)[
        np.arange(len(rows)), own
    ]
    left_out = Cosines(centroid, asked, cosines.passage[rows])
    nothing = np.zeros((1, 1), dtype=np.float32)

    def found(weight: float) -> int:
        return int((Weights(passage=weight).mix(left_out, nothing).argmax(axis=1) == own).sum())

    return max(PASSAGE_WEIGHTS, key=lambda weight: (found(weight), -abs(weight - USUAL_PASSAGE_WEIGHT)))
