"""How a search result becomes a probability."""

import json
from dataclasses import astuple, dataclass
from functools import cache
from math import exp
from pathlib import Path

COEFFICIENTS = Path(__file__).with_name("confidence.json")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the first hit when its confidence is asked. Scores are mixed cosines, about 0 to 1."""

    score: float
    lead: float  # over the second article
    surprise: float  # standard deviations above the best wrong scores of the knowledge's self-test
    rank: float  # share of those that are below
    lead_surprise: float
    density: float  # over the mean of the next ten
    centroid: float
    asked: float
    passage: float
    lexical: float
    coverage: float
    unknown: float
    asked_lead: float
    passage_lead: float
    lexical_lead: float
    coverage_lead: float
    agreement: float  # how many of questions, passages and words have the same first article, 0 to 3
    length: float  # log of the number of words
    articles: float  # log
    questions: float  # log


@dataclass(frozen=True, slots=True)
class Confidence:
    right: tuple[float, ...]
    topic: tuple[float, ...]

    def probabilities(self, evidence: Evidence) -> tuple[float, float]:
        x = (1.0, *astuple(evidence))
        return _logistic(self.right, x), _logistic(self.topic, x)


def _logistic(weights: tuple[float, ...], x: tuple[float, ...]) -> float:
    return 1 / (1 + exp(-sum(w * v for w, v in zip(weights, x, strict=True))))


@cache
def shipped() -> Confidence:
    if not COEFFICIENTS.exists():
        n = 21
        return Confidence((0.0,) * n, (0.0,) * n)
    read = json.loads(COEFFICIENTS.read_text())
    return Confidence(tuple(read["right"]), tuple(read["topic"]))
