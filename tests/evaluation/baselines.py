"""Simpler ways to find an article, measured beside ours: BM25 alone, nearest vector, centroid of the questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.knowledge.index import IndexedArticle, best_first
from core.knowledge.lexical import Lexicon

Scores = NDArray[np.float32]
FIXED = 0.6
"""The threshold on the cosine that tutorials use."""


@dataclass(frozen=True, slots=True)
class Found:
    """For each question the articles, best first, and the score of the best."""

    ranked: list[list[str]]
    scores: list[float]


def search(articles: Sequence[IndexedArticle], texts: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, Found]:
    lexicon = Lexicon([" ".join(view.body or view.text for view in article.views) for article in articles])
    nearest, middle = _nearest(articles), _centroid(articles)
    return {
        "BM25": _found(articles, [lexicon.match(text).scores for text in texts]),
        "cosine": _found(articles, [nearest(vector) for vector in vectors]),
        "centroid": _found(articles, [middle(vector) for vector in vectors]),
    }


def _found(articles: Sequence[IndexedArticle], scored: Sequence[Scores]) -> Found:
    places = [best_first(scores, 10) for scores in scored]
    ranked = [[articles[place].id for place in found] for found in places]
    return Found(ranked, [float(scores[found[0]]) for scores, found in zip(scored, places, strict=True)])


def _nearest(articles: Sequence[IndexedArticle]) -> Callable[[Scores], Scores]:
    """Of all views of an article the one nearest to the question."""
    table = np.stack([view.vector for article in articles for view in article.views])
    starts = np.cumsum([0, *(len(article.views) for article in articles[:-1])])
    return lambda vector: np.maximum.reduceat(table @ vector, starts)


def _centroid(articles: Sequence[IndexedArticle]) -> Callable[[Scores], Scores]:
    """The mean of an article's example questions, or of its title where it has none."""
    means = []
    for article in articles:
        asked = [view.vector for view in article.views if view.kind == "question"]
        mean = np.mean(asked or [view.vector for view in article.views if view.kind == "title"], axis=0)
        means.append(mean / np.linalg.norm(mean))
    table = np.stack(means)
    return lambda vector: table @ vector
