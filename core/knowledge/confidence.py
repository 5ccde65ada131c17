"""How a search result becomes a probability that holds on a knowledge nobody has seen before.

P(the first article answers) = P(the knowledge covers the question) x P(it is the first article, if covered). Each
factor is a logistic model of a few numbers that the knowledge's self-test has put on a common scale, so that the
same few coefficients serve every knowledge. They are fitted by `core.knowledge.build.confidence` on several
knowledge bases, each judged by coefficients that never saw it. A single model of all the numbers together is worse
where it matters: it lets a clear lead make up for a score that says the question does not belong here at all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

SHIPPED = Path(__file__).with_name("confidence.json")

# Judged by coefficients that never saw the knowledge, what is above it is right 95 times in 100 on the mean of fourteen
# knowledge bases' dev parts: Banking77 96, CLINC150 98, the demo shop 98, nine trades 93 to 100, a printer maker with
# traps 82, covid_faq, whose authorities answer alike, 75; 96 times on eight businesses whose customers ask plainly, and
# 90 times on sixteen whose customers ask what the pages nearly say. At 0.9 it is 96, 97 and 91, and 7 to 10 in 100
# fewer are answered. `python -m core.knowledge.build.confidence` prints the table.
DEFAULT_THRESHOLD = 0.85


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the first article. "Usual" is what the self-test found for the best wrong article."""

    surprise: float  # its score, in deviations above the usual
    clearance: float  # its distance to the mean of the next ten, in deviations above the usual
    unknown: float  # share of the message's idf in words that no article has
    coverage: float  # share of the message's idf in words that this article has
    coverage_lead: float  # that, over the best other article
    fit: float  # how well it fits word by word, in deviations above the usual
    fit_asked: float  # the same for its nearest title, question or heading
    weakest: float  # the cosine of the message's worst word that says something
    closeness: float  # log of its share in a softmax over all articles
    lead: float  # over the second article, in deviations of wrong scores
    passage_lead: float  # of its best passage over the best other article's, in deviations
    fit_lead: float  # of its fit over the best other article's, in deviations
    fit_asked_lead: float
    agreement: float  # how many of questions, passages and words put it first: 0 to 3
    named: float  # 1: it alone holds a code that the message names; -1: it lacks one that it should hold; else 0
    read: float  # the reader's log odds that it answers
    read_any: float  # and that any of those it has read does
    read_lead: float  # its verdict over that on the best other one


TOPIC = (
    "surprise", "clearance", "unknown", "coverage", "coverage_lead", "fit", "fit_asked", "weakest", "named",
    "read_any",
)  # fmt: skip
CHOICE = (
    "closeness", "lead", "coverage_lead", "passage_lead", "agreement",
    "fit", "fit_asked", "weakest", "fit_lead", "fit_asked_lead", "named",
    "read", "read_lead",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logistic:
    intercept: float
    weights: Mapping[str, float]

    def probability(self, evidence: Evidence) -> float:
        total = self.intercept + sum(weight * getattr(evidence, name) for name, weight in self.weights.items())
        return 1 / (1 + exp(-min(max(total, -30.0), 30.0)))


@dataclass(frozen=True, slots=True)
class Confidence:
    """`topic`: the knowledge covers the question; `choice`: given that, its first article is the right one."""

    topic: Logistic
    choice: Logistic

    @classmethod
    def read(cls, path: Path) -> "Confidence":
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(*(Logistic(stored[part]["intercept"], stored[part]["weights"]) for part in ("topic", "choice")))


@cache
def shipped() -> Confidence:
    return Confidence.read(SHIPPED)
