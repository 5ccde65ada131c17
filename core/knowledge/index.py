"""The index of one organization's knowledge: exact search in memory, with a calibrated confidence.

An article's score mixes the cosine to the centroid of its questions, to the nearest question, title or
heading, to the nearest passage, and stemmed BM25; the best ten are then compared word by word. See `space` for the
cosines, `wordwise` for the words, `reader` for what the best of them answer, `selftest` for what the knowledge learns
about itself when the index is built, and `confidence` for how all that becomes a probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.knowledge import reader, selftest
from core.knowledge.chunking import ViewKind
from core.knowledge.confidence import Evidence, shipped
from core.knowledge.followup import asked_words
from core.knowledge.lexical import LexicalMatch, Lexicon, Words, content_words
from core.knowledge.records import terse
from core.knowledge.relevance import Terms, ranking, tells_apart
from core.knowledge.space import Cosines, Matrix, Rows, Space
from core.knowledge.wordwise import Fits, Wordwise
from core.nlp.encoder import Meaning
from core.nlp.tokens import NO_TOKENS, Tokens

Vector = Matrix

READ = 4  # articles that the reader compares with the message: of six no more come out right
REREAD = 0.06  # what its verdict may move an article up or down; scores of neighbours differ by some hundredths
UNREAD = -8.0  # the verdict on the others, and the most that a verdict says for or against
LACKING = 0.5  # what the topic's probability is worth where the first article lacks a code that it should hold
# Follow-ups: from 1 to 2, 0.15 to 0.25 and 0.1 to 0.3 five in two hundred find another passage.
NEW = 2.0  # what is newly asked counts for, beside it together with what it follows up on
ALIKE = 0.2  # cosines of sections to what is newly asked that say nothing against each other
POINTED = 0.3  # what a section gains whose label was named before
SHARPNESS = 30.0  # of the softmax over articles: a score of 0.05 less has about a third of the share


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
    tokens: Tokens = NO_TOKENS


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A follow-up by itself: what it wants to know of the subject that an earlier message gave."""

    text: str
    meaning: Meaning


class KnowledgeIndex:
    """Built once from articles with their vectors, never changed: reads need no lock."""

    def __init__(self, articles: Sequence[IndexedArticle], *, read: bool = True) -> None:
        """`read`: whether the best articles are read beside a message; not while the reader is being made."""
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
        self._wordwise = Wordwise([_tokens_of(article) for article in self.articles])
        asked = [selftest.Probe(view.text, view.tokens, is_title=view.kind == "title") for _, view in questions]
        self._selftest = selftest.run(self._space, self._lexicon, self._wordwise, asked)
        self._reader = reader.shipped() if read else None
        self._confidence = shipped()

    def search(self, text: str, meaning: Meaning, k: int = 10, *, asked: Asked | None = None) -> Retrieval:
        """The `k` best articles for a message, copies of a better one left out, the best first; none for a message that
        names nothing ("yes", an order number). `asked` is what chooses among an article's passages, where that is not
        the whole of the message."""
        if not self.articles or not self._lexicon.says_something(text):
            return Retrieval((), 0.0, 0.0)
        cosines = self._cosines(meaning)
        match = self._lexicon.match(text)
        scores = self._selftest.weights.mix(cosines, match.scores[None])[0]
        nearest = self._without_copies(best_first(scores, max(k, selftest.COMPARED) + 5))
        compared, rest = nearest[: selftest.COMPARED], nearest[selftest.COMPARED :]
        fits = self._wordwise.fits(meaning.tokens, compared, otherwise_of(cosines, 0, compared))
        refined = self._selftest.weights.refined(scores[compared], fits)
        verdicts = self._verdicts(meaning.tokens, compared, best_first(refined, READ), cosines)
        order = np.argsort(-refined - REREAD * np.tanh(verdicts / 4), kind="stable")
        found = [_Found(compared[place], float(refined[place])) for place in order]
        found += [_Found(number, min(float(scores[number]), found[-1].score)) for number in rest]
        evidence = self._evidence(cosines, match, found[: len(compared)], fits, order, verdicts)
        topic = self._confidence.topic.probability(evidence) * (LACKING if evidence.named < 0 else 1)
        said = content_words(text, self._words)
        newly = _Newly(asked_words(asked.text, self._words), self._cosines(asked.meaning)) if asked else None
        hits = tuple(self._hit(one, cosines, said, newly) for one in found[:k])
        return Retrieval(hits, topic * self._confidence.choice.probability(evidence), topic, evidence)

    def _cosines(self, meaning: Meaning) -> Cosines:
        return self._space.cosines(self._space.damped(meaning.vector[None].astype(np.float32)))

    def rarity(self, message: Tokens) -> Matrix:
        """How rare each word piece of a message is here (idf)."""
        return self._wordwise.rarity(message)

    def _verdicts(self, message: Tokens, compared: Sequence[int], places: Sequence[int], cosines: Cosines) -> Matrix:
        """The reader's logit for each of the compared articles; only those at `places` are read."""
        verdicts = np.full(len(compared), UNREAD, dtype=np.float32)
        pages = {place: self._page(compared[place], cosines) for place in places}
        readable = [place for place in places if len(pages[place])]
        if self._reader and len(message) and readable:
            judged = self._reader.judge(message, self.rarity(message), [pages[place] for place in readable])
            verdicts[readable] = np.clip(judged, UNREAD, -UNREAD)
        return verdicts

    def _page(self, article: int, cosines: Cosines) -> reader.Page:
        to_passages = self._space.to_passages(cosines, article)
        return self._wordwise.page(article, int(to_passages.argmax()) if len(to_passages) else 0)

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

    def _hit(self, found: "_Found", cosines: Cosines, said: Sequence[str], newly: "_Newly | None") -> Hit:
        number = found.article
        terms, near = self._terms[number], self._space.to_passages(cosines, number)
        if newly and len(terms) > 1:
            order = self._newly_asked(number, near, said, newly)
        else:
            order = ranking(said, terms, near.tolist())
        best, second, *_ = (*(self._passages[number][place] for place in order[:2]), None, None)
        return Hit(self.articles[number], found.score, best, second)

    def _newly_asked(self, number: int, near: Matrix, said: Sequence[str], newly: "_Newly") -> list[int]:
        """The passages' places, most by what is newly asked. Where sections are alike to that ("Do I need a licence for
        it?", with a section a boat), the words of what "it" was decide."""
        own, terms = self._space.to_passages(newly.cosines, number).copy(), self._terms[number]
        alike = np.flatnonzero(own >= own.max() - ALIKE)
        if not any(tells_apart(word, terms) for word in newly.words):
            title, rivals = self._words(self.articles[number].title), [terms[place] for place in alike]
            pointing = {word for word in said if word not in title and tells_apart(word, rivals)}
            own[[place for place in alike if terms[place].labels & pointing]] += POINTED
        return ranking(newly.words, terms, ((near + NEW * own) / (1 + NEW)).tolist())

    def _evidence(
        self,
        cosines: Cosines,
        match: LexicalMatch,
        found: Sequence["_Found"],
        fits: Fits,
        order: NDArray[np.intp],
        verdicts: Matrix,
    ) -> Evidence:
        """`found` are the compared articles, best first; `order` says where each stands in `fits` and `verdicts`."""
        test, top, score = self._selftest, found[0].article, found[0].score
        following = np.array([one.score for one in found[1:]])
        # With nothing beside it an article is as clear of the rest as a score of nothing would leave it.
        second, beside = (float(following[0]), float(following.mean())) if len(following) else (0.0, 0.0)
        places = [one.article for one in found]
        whole, asked = fits.whole[order], fits.asked[order]
        others = np.exp(SHARPNESS * (following - score)).sum()
        verdict, against = float(verdicts[order[0]]), verdicts[order[1:]]
        votes = (cosines.asked[0][places], cosines.passage[0][places], match.scores[places])
        return Evidence(
            surprise=test.wrong.above(score),
            clearance=test.clearance.above(score - beside),
            unknown=match.unknown,
            coverage=float(match.coverage[top]),
            coverage_lead=_lead(match.coverage[places]),
            fit=test.fit.above(float(whole[0])),
            fit_asked=test.fit_asked.above(float(asked[0])),
            weakest=float(fits.weakest[order[0]]),
            closeness=-float(np.log1p(others)),
            lead=(score - second) / test.wrong.deviation,
            passage_lead=_lead(votes[1]) / test.passage.deviation,
            fit_lead=_lead(whole) / test.fit.deviation,
            fit_asked_lead=_lead(asked) / test.fit_asked.deviation,
            agreement=float(sum(int(values.argmax()) == 0 for values in votes)),
            named=float(match.named[top]),
            read=_limited(verdict - float(np.log1p(np.exp(against).sum()))),
            read_any=_limited(float(np.log(np.exp(verdicts).sum()))),
            read_lead=verdict - float(against.max(initial=UNREAD)),
        )


@dataclass(frozen=True, slots=True)
class _Newly:
    """What a follow-up asks by itself: the words that carry meaning, and its cosines."""

    words: Sequence[str]
    cosines: Cosines


@dataclass(frozen=True, slots=True)
class _Found:
    """An article by its place, and its score."""

    article: int
    score: float


def otherwise_of(cosines: Cosines, message: int, articles: Sequence[int]) -> Matrix:
    """What stands for a comparison by word where there are no words."""
    return np.maximum(cosines.asked[message, articles], cosines.passage[message, articles])


def best_first(scores: Matrix, count: int) -> list[int]:
    """The positions of the `count` highest scores, the highest first; of equal ones the earlier."""
    count = min(count, len(scores))
    top = np.sort(np.argpartition(-scores, count - 1)[:count])
    return [int(number) for number in top[np.argsort(-scores[top], kind="stable")]]


def _limited(verdict: float) -> float:
    return min(max(verdict, UNREAD), -UNREAD)


def _lead(values: Matrix) -> float:
    """Of the first over the best of the others."""
    return float(values[0] - values[1:].max(initial=0.0))


def _tokens_of(article: IndexedArticle) -> tuple[list[Tokens], list[Tokens]]:
    asking = [view.tokens for view in article.views if view.kind != "passage"]
    return asking, [view.tokens for view in article.views if view.kind == "passage"]


def _words_of(article: IndexedArticle) -> str:
    """Everything the article says: a passage's body instead of its text, which repeats the title."""
    return " ".join(terse(view.body) or view.text for view in article.views)
