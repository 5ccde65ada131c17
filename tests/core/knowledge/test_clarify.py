from collections.abc import Callable
from dataclasses import replace

import pytest

from core.knowledge.articles import Article
from core.knowledge.clarify import candidates
from core.knowledge.index import Hit, Retrieval


@pytest.fixture
def hits(hit_of: Callable[..., Hit]) -> tuple[Hit, ...]:
    scores = {"returns": 0.71, "exchanges": 0.70, "refunds": 0.66, "repairs": 0.65, "delivery": 0.30}
    return tuple(replace(hit_of(Article(name, name, "Text.")), score=score) for name, score in scores.items())


def test_near_articles_of_a_sure_topic_are_offered(hits: tuple[Hit, ...]) -> None:
    offered = candidates(Retrieval(hits, confidence=0.5, topic=0.95), 0.85)
    assert [hit.article.id for hit in offered] == ["returns", "exchanges", "refunds"]


@pytest.mark.parametrize(("confidence", "topic"), [(0.9, 0.95), (0.5, 0.6)])
def test_a_sure_answer_or_an_unsure_topic_offers_nothing(
    hits: tuple[Hit, ...], confidence: float, topic: float
) -> None:
    assert candidates(Retrieval(hits, confidence, topic), 0.85) == ()


def test_nothing_is_offered_when_only_one_is_near_or_nothing_is_found(hits: tuple[Hit, ...]) -> None:
    assert candidates(Retrieval((hits[0], hits[4]), 0.5, 0.95), 0.85) == ()
    assert candidates(Retrieval((), 0.0, 0.0), 0.85) == ()


def test_the_organizations_own_threshold_counts(hits: tuple[Hit, ...]) -> None:
    assert candidates(Retrieval(hits, confidence=0.9, topic=0.95), threshold=0.95)
