"""The index of one organization's knowledge: exact search in memory, with a calibrated confidence.

An article's score mixes the cosine to the centroid of its questions, to the nearest question, title or
heading, to the nearest passage, and stemmed BM25. See `space` for the cosines, `selftest` for what the
knowledge learns about itself when the index is built, and `confidence` for how a score becomes a
probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.knowledge import selftest
from core.knowledge.chunking import ViewKind
from core.knowledge.confidence import Evidence, shipped
from core.knowledge.lexical import LexicalMatch, Lexicon, Words, content_words
from core.knowledge.records import terse
from core.knowledge.relevance import Terms, ranking
from core.knowledge.space import Cosines, Matrix, Rows, Space

Vector = Matrix

SHARPNESS = 20.0  # of the softmax over articles: a score of 0.05 less has about a third of the share


@dataclass(frozen=True, slots=True)
class IndexedView:
    """A view as stored: `vector` is the L2-normalised embedding of `text`."""

    id: UUID
    article: str
    kind: ViewKind
    text: str
    heading: str
    body: str
    position: int
    vector: Vector


@dataclass(frozen=True, slots=True)
class IndexedArticle:
    id: str
    document_id: UUID
    title: str
    url: str | None
    views: tuple[IndexedView, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """`passage` is the article's best for the question, None where it has none; `next_best` is the second."""

    article: IndexedArticle
    score: float
    passage: IndexedView | None
    next_best: IndexedView | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """`confidence` is the calibrated probability that the first hit answers the question, `topic` that the
    knowledge answers it at all. A sure topic with an unsure article asks for a clarifying question."""

    hits: tuple[Hit, ...]
    confidence: float
    topic: float
    evidence: Evidence | None = None


class KnowledgeIndex:
    """Built once from articles with their vectors, never changed: reads need no lock."""

    def __init__(self, articles: Sequence[IndexedArticle]) -> None:
        self.articles = tuple(articles)
        if not self.articles:
            return
        self._passages = [
            sorted((view for view in article.views if view.kind == "passage"), key=lambda view: view.position)
            for article in self.articles
        ]
        self._words = Words()
        self._terms = [
            [Terms.of(view.heading, view.body, self._words) for view in passages] for passages in self._passages
        ]
        questions = self._owned("title", "question")
        self._space = Space(
            self._rows(questions),
            self._rows(self._owned("heading")),
            self._rows(self._owned("passage")),
            len(self.articles),
        )
        self._lexicon = Lexicon([_words_of(article) for article in self.articles])
        texts, titles = [view.text for _, view in questions], [view.kind == "title" for _, view in questions]
        self._selftest = selftest.run(self._space, self._lexicon, texts, np.array(titles))
        self._confidence = shipped()

    def search(self, text: str, vector: Vector, k: int = 10) -> Retrieval:
        """The `k` best articles for a message, copies of a better one left out, the best first."""
        if not self.articles:
            return Retrieval((), 0.0, 0.0)
        message = self._space.damped(vector[None].astype(np.float32))
        cosines = self._space.cosines(message)
        match = self._lexicon.match(text)
        scores = self._selftest.weights.mix(cosines, match.scores[None])[0]
        found = self._without_copies(best_first(scores, max(k, selftest.NEIGHBOURS) + 5))
        evidence = self._evidence(cosines, match, scores, found)
        topic = self._confidence.topic.probability(evidence)
        asked = content_words(text, self._words)
        hits = tuple(self._hit(number, scores, cosines, asked) for number in found[:k])
        return Retrieval(hits, topic * self._confidence.choice.probability(evidence), topic, evidence)

    def _owned(self, *kinds: ViewKind) -> list[tuple[int, IndexedView]]:
        return [
            (number, view)
            for number, article in enumerate(self.articles)
            for view in sorted(article.views, key=lambda view: view.position)
            if view.kind in kinds
        ]

    def _rows(self, owned: Sequence[tuple[int, IndexedView]]) -> Rows:
        dimension = len(self.articles[0].views[0].vector)
        return Rows.of([(number, view.vector) for number, view in owned], dimension)

    def _without_copies(self, found: Sequence[int]) -> list[int]:
        first: dict[int, int] = {}
        for number in found:
            first.setdefault(int(self._lexicon.copies[number]), number)
        return list(first.values())

    def _hit(self, number: int, scores: Matrix, cosines: Cosines, asked: Sequence[str]) -> Hit:
        order = ranking(asked, self._terms[number], self._space.to_passages(cosines, number).tolist())
        best, second, *_ = (*(self._passages[number][place] for place in order[:2]), None, None)
        return Hit(self.articles[number], float(scores[number]), best, second)

    def _evidence(self, cosines: Cosines, match: LexicalMatch, scores: Matrix, found: Sequence[int]) -> Evidence:
        test, top = self._selftest, found[0]
        score = float(scores[top])
        following = scores[found[1 : selftest.NEIGHBOURS + 1]]
        # With nothing beside it an article is as clear of the rest as a score of nothing would leave it.
        second, beside = (float(following[0]), float(following.mean())) if len(following) else (0.0, 0.0)
        rivals = self._lexicon.copies != self._lexicon.copies[top]
        others = np.exp(SHARPNESS * (scores[rivals] - score)).sum()
        asked, passage = cosines.asked[0], cosines.passage[0]
        return Evidence(
            surprise=test.wrong.above(score),
            clearance=test.clearance.above(score - beside),
            unknown=match.unknown,
            coverage=float(match.coverage[top]),
            coverage_lead=_lead(match.coverage, top, rivals),
            closeness=-float(np.log1p(others)),
            lead=(score - second) / test.wrong.deviation,
            passage_lead=_lead(passage, top, rivals) / test.passage.deviation,
            agreement=float(sum(int(values.argmax()) == top for values in (asked, passage, match.scores))),
        )


def best_first(scores: Matrix, count: int) -> list[int]:
    """The positions of the `count` highest scores, the highest first; of equal ones the earlier."""
    count = min(count, len(scores))
    top = np.sort(np.argpartition(-scores, count - 1)[:count])
    return [int(number) for number in top[np.argsort(-scores[top], kind="stable")]]


def _lead(values: Matrix, top: int, rivals: NDArray[np.bool_]) -> float:
    return float(values[top] - values[rivals].max(initial=0.0))


def _words_of(article: IndexedArticle) -> str:
    """Everything the article says: a passage's body instead of its text, which repeats the title."""
    return " ".join(terse(view.body) or view.text for view in article.views)
