"""What a knowledge learns about itself before anybody asks: it is put its own questions, with them left out.

With the whole article left out, the best score that remains is how alike a *wrong* article can look here.
With only the question left out, the rest of its article should still win: that says how far passages can be
trusted beside questions. Nothing here needs a label, and everything is learned anew when the knowledge changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.knowledge.lexical import Lexicon
from core.knowledge.space import Cosines, Matrix, Segments, Space, sums, unit

MOST_PROBES = 1_000  # a larger knowledge is sampled evenly: means and deviations are settled long before
FEWEST_PROBES = 30
NEIGHBOURS = 10
PASSAGE_WEIGHTS = (0.4, 0.7, 1.0, 1.5)
USUAL_PASSAGE_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How an article's score is mixed from its cosines and its BM25 score. The centroid has weight 1."""

    asked: float = 0.5
    passage: float = USUAL_PASSAGE_WEIGHT
    lexical: float = 0.4

    def mix(self, cosines: Cosines, lexical: Matrix) -> Matrix:
        dense = cosines.centroid + self.asked * cosines.asked + self.passage * cosines.passage
        mixed: Matrix = (dense + self.lexical * lexical) / (1 + self.asked + self.passage)
        return mixed


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a number usually lies."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Matrix, usual: "Spread") -> "Spread":
        """Of the values found, with ten values' worth of what is usual, so that three articles suffice."""
        count, imagined = len(values), 10
        if not count:
            return usual
        mean = (values.sum() + imagined * usual.mean) / (count + imagined)
        squares = ((values - mean) ** 2).sum() + imagined * usual.deviation**2
        return cls(float(mean), float(np.sqrt(squares / (count + imagined))))

    def above(self, value: float) -> float:
        """How many deviations `value` lies above the mean."""
        return (value - self.mean) / self.deviation


# The middle of what was seen on the knowledge bases that confidence is fitted on.
USUAL_WRONG = Spread(0.5, 0.12)
USUAL_CLEARANCE = Spread(0.17, 0.09)
USUAL_PASSAGE = Spread(0.4, 0.11)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`wrong`: the best score with the right article left out. `clearance`: how far that best one stands above the
    mean of the next ten. `passage`: the best passage cosine with the right article left out."""

    weights: Weights = Weights()
    wrong: Spread = USUAL_WRONG
    clearance: Spread = USUAL_CLEARANCE
    passage: Spread = USUAL_PASSAGE


def run(space: Space, lexicon: Lexicon, texts: Sequence[str], titles: NDArray[np.bool_]) -> SelfTest:
    """`texts` are the questions' texts in the order of `space.questions`; `titles` marks mere titles."""
    if space.articles < 2:
        return SelfTest()
    chosen = _probes(titles)
    cosines = space.cosines(space.questions.vectors[chosen])
    lexical = np.stack([lexicon.match(texts[number]).scores for number in chosen])
    # A title stands in each passage of its page, so it cannot say what passages are worth.
    weights = Weights() if titles[chosen].any() else Weights(passage=_passage_weight(space, cosines, chosen))
    owners = space.questions.owners[chosen]
    scores = weights.mix(cosines, lexical)
    _leave_out(scores, owners, lexicon)
    best = np.sort(scores, axis=1)[:, ::-1][:, : NEIGHBOURS + 1]
    passage = cosines.passage.copy()
    passage[np.arange(len(chosen)), owners] = -1.0
    return SelfTest(
        weights,
        Spread.of(best[:, 0], USUAL_WRONG),
        Spread.of(best[:, 0] - best[:, 1:].mean(axis=1), USUAL_CLEARANCE) if space.articles > 2 else USUAL_CLEARANCE,
        Spread.of(passage.max(axis=1), USUAL_PASSAGE),
    )


def _probes(titles: NDArray[np.bool_]) -> NDArray[np.intp]:
    probes = np.flatnonzero(~titles)
    if len(probes) < FEWEST_PROBES:
        probes = np.arange(len(titles))
    evenly = np.linspace(0, len(probes) - 1, min(len(probes), MOST_PROBES)).astype(np.intp)
    return np.asarray(probes[np.unique(evenly)])


def _leave_out(scores: Matrix, owners: NDArray[np.int32], lexicon: Lexicon) -> None:
    """Takes each probe's own article out of its row, and with it every copy of that article."""
    copies = lexicon.copies
    scores[copies[owners][:, None] == copies[None, :]] = -1.0


def _passage_weight(space: Space, cosines: Cosines, chosen: NDArray[np.intp]) -> float:
    """The weight with which most questions, left out themselves, still find their article."""
    owners = space.questions.owners
    sibling = np.bincount(owners, minlength=space.articles)[owners[chosen]] > 1
    if sibling.sum() < FEWEST_PROBES:
        return USUAL_PASSAGE_WEIGHT
    probes, own = chosen[sibling], owners[chosen[sibling]]
    row = np.arange(len(probes))
    asking = space.questions.vectors[probes]
    centroid, asked = cosines.centroid[sibling], cosines.asked[sibling]
    rest = unit(sums(space.questions, space.articles)[own] - asking)
    centroid[row, own] = (asking * rest).sum(axis=1)
    others = asking @ space.questions.vectors.T
    others[row, probes] = -1.0
    asked[row, own] = Segments(owners, space.articles).best(others)[row, own]
    left_out = Cosines(centroid, asked, cosines.passage[sibling], cosines.passages[sibling])
    nothing = np.zeros((1, 1), dtype=np.float32)

    def found(weight: float) -> int:
        return int((Weights(passage=weight).mix(left_out, nothing).argmax(axis=1) == own).sum())

    return max(PASSAGE_WEIGHTS, key=lambda weight: (found(weight), -abs(weight - USUAL_PASSAGE_WEIGHT)))
