from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pytest

from core.knowledge.articles import Article
from core.knowledge.build.confidence import indexed
from core.knowledge.chunking import split
from core.knowledge.index import Hit, IndexedArticle, IndexedView, KnowledgeIndex
from core.nlp.encoder import Encoder

IndexOf = Callable[[Sequence[Article]], Awaitable[KnowledgeIndex]]


@pytest.fixture(scope="session")
def encoder() -> Iterator[Encoder]:
    encoder = Encoder(1)
    yield encoder
    encoder.close()


@pytest.fixture
def index_of(encoder: Encoder) -> IndexOf:
    async def build(articles: Sequence[Article]) -> KnowledgeIndex:
        return KnowledgeIndex(await indexed(articles, encoder))

    return build


@pytest.fixture
def shop() -> list[Article]:
    """A little of acme's help centre."""
    return [
        Article("returns", "Returns", "You can return anything within 30 days.", None, ("Can I send things back?",)),
        Article("delivery", "Delivery times", "Parcels take 2 to 4 working days.", None, ("When will it arrive?",)),
        Article("gift-cards", "Gift cards", "Gift cards are valid for 3 years.", None, ("How long do vouchers last?",)),
        Article("password", "Reset your password", "Click Forgotten password on the sign-in page."),
        Article("invoices", "Invoices", "Find every invoice under Account > Orders.", None, ("I need a VAT receipt",)),
    ]


@pytest.fixture
def hit_of() -> Callable[..., Hit]:
    """A hit on an article, the passage that holds `quoting` being the nearest one. Vectors play no part."""

    def build(article: Article, quoting: str = "") -> Hit:
        nothing = np.zeros(3, dtype=np.float32)
        views = tuple(
            IndexedView(
                uuid5(NAMESPACE_URL, f"{article.id}/{view.position}"), article.id, view.kind, view.text,
                view.heading, view.body, view.position, nothing,
            )
            for view in split(article)
        )  # fmt: skip
        indexed_article = IndexedArticle(article.id, uuid5(NAMESPACE_URL, article.id), article.title, None, views)
        passages = [view for view in views if view.kind == "passage"]
        return Hit(indexed_article, 0.9, next((view for view in passages if quoting in view.body), None))

    return build
