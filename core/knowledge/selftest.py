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
from core.knowledge.wordwise import Fits, Wordwise
from core.nlp.tokens import Tokens

MOST_PROBES = 1_000  # a larger knowledge is sampled evenly: means and deviations are settled long before
FEWEST_PROBES = 30
COMPARED = 11  # articles that are compared word by word: the first, and ten to see it beside
MOST_COMPARED = 200  # probes that are
PASSAGE_WEIGHTS = (0.4, 0.7, 1.0, 1.5)
USUAL_PASSAGE_WEIGHT = 1.0
LEFT_OUT = -1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How an article's score is mixed from its cosines and its BM25 score. The centroid has weight 1."""

    asked: float = 0.5
    passage: float = USUAL_PASSAGE_WEIGHT
    lexical: float = 0.4
    words: float = 0.5

    def mix(self, cosines: Cosines, lexical: Matrix) -> Matrix:
        dense = cosines.centroid + self.asked * cosines.asked + self.passage * cosines.passage
        mixed: Matrix = (dense + self.lexical * lexical) / (1 + self.asked + self.passage)
        return mixed

    def refined(self, scores: Matrix, fits: Fits) -> Matrix:
        return np.asarray((scores + self.words * fits.whole) / (1 + self.words), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Probe:
    """One of the knowledge's own titles and questions, to be asked."""

    text: str
    tokens: Tokens
    is_title: bool


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
USUAL_WRONG = Spread(0.48, 0.11)
USUAL_CLEARANCE = Spread(0.18, 0.08)
USUAL_PASSAGE = Spread(0.36, 0.1)
USUAL_FIT = Spread(0.65, 0.1)
USUAL_FIT_ASKED = Spread(0.52, 0.11)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`wrong`: the best score with the right article left out. `clearance`: how far that best one stands above the
    mean of the next ten. `passage`: the best passage cosine with the right article left out. `fit` and `fit_asked`:
    how well a wrong article fits word by word."""

    weights: Weights = Weights()
    wrong: Spread = USUAL_WRONG
    clearance: Spread = USUAL_CLEARANCE
    passage: Spread = USUAL_PASSAGE
    fit: Spread = USUAL_FIT
    fit_asked: Spread = USUAL_FIT_ASKED


def run(space: Space, lexicon: Lexicon, wordwise: Wordwise, asked: Sequence[Probe]) -> SelfTest:
    """`asked` are in the order of `space.questions`."""
    if space.articles < 2:
        return SelfTest()
    titles = np.array([probe.is_title for probe in asked])
    chosen = _probes(titles)
    cosines = space.cosines(space.questions.vectors[chosen])
    lexical = np.stack([lexicon.match(asked[number].text).scores for number in chosen])
    # A title stands in each passage of its page, so it cannot say what passages are worth.
    weights = Weights() if titles[chosen].any() else Weights(passage=_passage_weight(space, cosines, chosen))
    owners = space.questions.owners[chosen]
    scores = weights.mix(cosines, lexical)
    _leave_out(scores, owners, lexicon)
    passage = cosines.passage.copy()
    passage[np.arange(len(chosen)), owners] = -1.0
    compared = [
        _compare(scores[row], asked[chosen[row]].tokens, cosines, row, wordwise, weights)
        for row in _evenly(np.arange(len(chosen)), MOST_COMPARED)
    ]
    best, fit, fit_asked = (np.array(column, dtype=np.float32) for column in zip(*compared, strict=True))
    return SelfTest(
        weights,
        Spread.of(best[:, 0], USUAL_WRONG),
        Spread.of(best[:, 0] - best[:, 1], USUAL_CLEARANCE) if space.articles > 2 else USUAL_CLEARANCE,
        Spread.of(passage.max(axis=1), USUAL_PASSAGE),
        Spread.of(fit, USUAL_FIT),
        Spread.of(fit_asked, USUAL_FIT_ASKED),
    )


def _compare(
    scores: Matrix, tokens: Tokens, cosines: Cosines, row: int, wordwise: Wordwise, weights: Weights
) -> tuple[tuple[float, float], float, float]:
    """The best score and the mean of the others, and the best fits, among those that are not left out."""
    near = [int(number) for number in np.argsort(-scores, kind="stable")[:COMPARED] if scores[number] > LEFT_OUT]
    if not near:
        return (0.0, 0.0), 0.0, 0.0
    otherwise = np.maximum(cosines.asked[row, near], cosines.passage[row, near])
    fits = wordwise.fits(tokens, near, otherwise)
    refined = np.sort(weights.refined(scores[near], fits))[::-1]
    rest = float(refined[1:].mean()) if len(refined) > 1 else 0.0
    return (float(refined[0]), rest), float(fits.whole.max()), float(fits.asked.max())


def _probes(titles: NDArray[np.bool_]) -> NDArray[np.intp]:
    probes = np.flatnonzero(~titles)
    if len(probes) < FEWEST_PROBES:
        probes = np.arange(len(titles))
    return _evenly(probes, MOST_PROBES)


def _evenly(places: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    chosen = np.linspace(0, len(places) - 1, min(len(places), most)).astype(np.intp)
    return np.asarray(places[np.unique(chosen)])


def _leave_out(scores: Matrix, owners: NDArray[np.int32], lexicon: Lexicon) -> None:
    """Takes each probe's own article out of its row, and with it every copy of that article."""
    copies = lexicon.copies
    scores[copies[owners][:, None] == copies[None, :]] = LEFT_OUT


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
