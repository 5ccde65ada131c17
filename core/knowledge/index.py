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
from core.knowledge.lexical import LexicalMatch, Lexicon
from core.knowledge.space import Cosines, Matrix, Rows, Space

Vector = Matrix


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
    """`passage` is the article's passage nearest to the question, None where the article has none."""

    article: IndexedArticle
    score: float
    passage: IndexedView | None


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
        self._space = Space(
            self._rows("title", "question"), self._rows("heading"), self._rows("passage"), len(self.articles)
        )
        self._lexicon = Lexicon(
            [" ".join(v.body or v.text for v in article.views) for article in self.articles]
        )
        self._selftest = selftest.run(
            self._space,
            self._lexicon,
            [v.text for a in self.articles for v in a.views if v.kind in ("title", "question")],
            np.array(
                [v.kind == "title" for a in self.articles for v in a.views if v.kind in ("title", "question")]
            ),
        )
        self._confidence = shipped()

    def search(self, text: str, vector: Vector, k: int = 10) -> Retrieval:
        if not self.articles:
            return Retrieval((), 0.0, 0.0)
        message = self._space.damped(vector[None].astype(np.float32))
        cosines = self._space.cosines(message)
        match = self._lexicon.match(text)
        scores = self._selftest.weights.mix(cosines, match.scores[None])[0]
        order = best_first(scores, max(k, 11))
        evidence = self._evidence(text, cosines, match, scores, order)
        hits = tuple(self._hit(int(number), scores, message[0]) for number in order[:k])
        return Retrieval(hits, *self._confidence.probabilities(evidence), evidence)

    def _rows(self, *kinds: ViewKind) -> Rows:
        owned = [
            (number, view.vector)
            for number, article in enumerate(self.articles)
            for view in article.views
            if view.kind in kinds
        ]
        return Rows.of(owned, len(self.articles[0].views[0].vector))

    def _hit(self, number: int, scores: Matrix, message: Matrix) -> Hit:
        nearest = self._space.nearest_passage(message, number)
        passage = None if nearest is None else self._passages[number][nearest]
        return Hit(self.articles[number], float(scores[number]), passage)

    def _evidence(
        self, text: str, cosines: Cosines, match: LexicalMatch, scores: Matrix, order: NDArray[np.intp]
    ) -> Evidence:
        top = int(order[0])
        score = float(scores[top])
        following = scores[order[1:11]] if len(order) > 1 else np.zeros(1, np.float32)
        lead = score - float(following[0])
        wrong = self._selftest.wrong if len(self._selftest.wrong) else np.array([0.5], np.float32)
        deviation = float(wrong.std()) + 0.02

        def lead_in(values: Matrix) -> float:
            others = np.delete(values, top)
            return float(values[top] - others.max()) if len(others) else float(values[top])

        return Evidence(
            score=score,
            lead=lead,
            surprise=(score - float(wrong.mean())) / deviation,
            rank=float(np.searchsorted(wrong, score)) / len(wrong),
            lead_surprise=lead / deviation,
            density=score - float(following.mean()),
            centroid=float(cosines.centroid[0, top]),
            asked=float(cosines.asked[0, top]),
            passage=float(cosines.passage[0, top]),
            lexical=float(match.scores[top]),
            coverage=float(match.coverage[top]),
            unknown=match.unknown,
            asked_lead=lead_in(cosines.asked[0]),
            passage_lead=lead_in(cosines.passage[0]),
            lexical_lead=lead_in(match.scores),
            coverage_lead=lead_in(match.coverage),
            agreement=float(
                sum(int(v.argmax()) == top for v in (cosines.asked[0], cosines.passage[0], match.scores))
            ),
            length=float(np.log1p(len(text.split()))),
            articles=float(np.log(len(self.articles))),
            questions=float(np.log(np.sum(self._space.questions.owners == top))),
        )


def best_first(scores: Matrix, count: int) -> NDArray[np.intp]:
    """The positions of the `count` highest scores, the highest first; of equal ones the earlier."""
    count = min(count, len(scores))
    top = np.sort(np.argpartition(-scores, count - 1)[:count])
    return np.asarray(top[np.argsort(-scores[top], kind="stable")])
