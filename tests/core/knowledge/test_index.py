import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from core.knowledge.articles import Article
from core.knowledge.confidence import DEFAULT_THRESHOLD
from core.knowledge.index import Asked, KnowledgeIndex, Retrieval, best_first
from core.nlp.encoder import Encoder
from tests.core.knowledge.conftest import IndexOf


async def ask(index: KnowledgeIndex, encoder: Encoder, text: str, k: int = 10) -> Retrieval:
    return index.search(text, await encoder.read(text), k)


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("how do i give something back", "returns"),
        ("when does my parcel come", "delivery"),
        ("does my gift voucher expire", "gift-cards"),
        ("forgot my password", "password"),
        ("where is my bill", "invoices"),
    ],
)
async def test_the_right_article_comes_first(
    index_of: IndexOf, encoder: Encoder, shop: list[Article], text: str, article: str
) -> None:
    result = await ask(await index_of(shop), encoder, text)
    assert result.hits[0].article.id == article
    assert result.hits[0].passage is not None
    assert result.hits[0].passage.body == result.hits[0].article.views[-1].body
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert 0 <= result.confidence <= result.topic <= 1


async def test_what_is_not_covered_is_less_sure(index_of: IndexOf, encoder: Encoder, shop: list[Article]) -> None:
    index = await index_of(shop)
    known = await ask(index, encoder, "Can I send things back?")
    foreign = await ask(index, encoder, "what is the capital of France")
    assert known.confidence > DEFAULT_THRESHOLD > foreign.confidence
    assert known.topic > foreign.topic


async def test_an_index_of_nothing_and_of_one(index_of: IndexOf, encoder: Encoder, shop: list[Article]) -> None:
    nothing = await ask(KnowledgeIndex([]), encoder, "anything")
    assert (nothing.hits, nothing.confidence, nothing.topic) == ((), 0, 0)
    one = await ask(await index_of(shop[:1]), encoder, "anything")
    assert [hit.article.id for hit in one.hits] == ["returns"]
    assert 0 < one.confidence < 1


async def test_pages_that_differ_in_one_code_are_told_apart(index_of: IndexOf, encoder: Encoder) -> None:
    codes = [f"E{1000 + 7 * number}" for number in range(30)]
    index = await index_of([Article(code, f"Error {code}", f"On {code}, restart the reader.") for code in codes])
    for code in codes[::6]:
        result = await ask(index, encoder, f"what should I do about error {code}")
        assert result.hits[0].article.id == code
        assert result.confidence > DEFAULT_THRESHOLD
    assert (await ask(index, encoder, "what should I do about error E9999")).confidence < 0.2


async def test_a_copy_is_neither_shown_nor_a_rival(index_of: IndexOf, encoder: Encoder, shop: list[Article]) -> None:
    alone = await ask(await index_of(shop), encoder, "how do I get my money back")
    doubled = await ask(await index_of([*shop, replace(shop[0], id="copy")]), encoder, "how do I get my money back")
    shown = [hit.article.id for hit in doubled.hits]
    assert len({"returns", "copy"}.intersection(shown)) == 1
    assert doubled.confidence == pytest.approx(alone.confidence, abs=0.1)


async def test_an_article_without_passages_is_found_by_its_title(index_of: IndexOf, encoder: Encoder) -> None:
    index = await index_of([Article("empty", "Opening hours", "<!-- soon -->"), Article("b", "Returns", "30 days.")])
    result = await ask(index, encoder, "what are your opening hours")
    assert result.hits[0].article.id == "empty"
    assert result.hits[0].passage is None


async def test_k_limits_the_hits(index_of: IndexOf, encoder: Encoder, shop: list[Article]) -> None:
    assert len((await ask(await index_of(shop), encoder, "delivery", k=2)).hits) == 2


async def test_the_same_question_gets_the_same_answer_from_every_thread(
    index_of: IndexOf, encoder: Encoder, shop: list[Article]
) -> None:
    index, meaning = await index_of(shop), await encoder.read("when will it come")
    with ThreadPoolExecutor(4) as pool:
        run = asyncio.get_running_loop().run_in_executor
        results = await asyncio.gather(*(run(pool, index.search, "when will it come", meaning) for _ in range(40)))
    assert {result.confidence for result in results} == {results[0].confidence}


async def test_where_you_are_is_a_question_though_its_words_are_small(
    index_of: IndexOf, encoder: Encoder, shop: list[Article]
) -> None:
    way = Article("way", "How do I get to you?", "Take bus 12 to the harbour and walk on for two minutes.")
    assert (await ask(await index_of([*shop, way]), encoder, "How do I get there?")).hits[0].article.id == "way"


@pytest.mark.parametrize("text", ["x" * 5000, "voucher \ud83d", "مرحبا"])
async def test_any_message_gets_a_result(index_of: IndexOf, encoder: Encoder, shop: list[Article], text: str) -> None:
    result = await ask(await index_of(shop), encoder, text)
    assert len(result.hits) == len(shop)
    assert np.isfinite(result.confidence)


@pytest.mark.parametrize("text", ["", " ", "?!", "🎉", "\ud83d", "yes", "12345", "RX48213GB"])
async def test_a_message_that_names_nothing_finds_nothing(
    index_of: IndexOf, encoder: Encoder, shop: list[Article], text: str
) -> None:
    result = await ask(await index_of(shop), encoder, text)
    assert (result.hits, result.confidence, result.topic) == ((), 0, 0)


CARD = Article(
    "card",
    "The season card",
    """The season card is for people who come often. It is personal: you cannot lend it to anyone. You need a photo,
which we take at the desk. It is valid from the day you buy it until 31 October.

## What it costs

It costs 210 euros for adults and 120 euros for young people. In April you pay 10% less, and from August on half.
We do not offer instalments.

## What it includes

- hire of boats for two hours a day
- one guided tour of your choice
- 20% off courses

## If you want to give it back

Within 14 days of buying it you can return the card for a full refund, as long as you have not used it.
After that we refund nothing.

## Lost card

A replacement costs 5 euros and is made at the desk while you wait.""",
)


BOATS = Article(
    "boats",
    "Our boats",
    """All boats are kept at the pier, and you hire them at the desk. Bring an identity card as a deposit; without one
we cannot lend you any boat. Life jackets are included, and children must wear theirs at all times, on the pier as well.

## Rowing boat

A rowing boat costs 15 euros an hour and holds four people. You need no licence for it.

## Electric boat

An electric boat costs 40 euros an hour and holds six people. You need no licence for it, but you must be 18.

## Sailing boat

A sailing boat costs 30 euros an hour and holds five people. You need the inland sailing licence for it.""",
)


@pytest.mark.parametrize(
    ("before", "follow_up", "heading"),
    [
        ("How much does the sailing boat cost?", "do I need a licence for it?", "Sailing boat"),
        ("Do I need a licence for the electric boat?", "how much is it?", "Electric boat"),
        ("How much does the sailing boat cost?", "and a rowing boat?", "Rowing boat"),
    ],
)
async def test_a_follow_up_stays_with_its_subject_unless_it_names_another(
    index_of: IndexOf, encoder: Encoder, shop: list[Article], before: str, follow_up: str, heading: str
) -> None:
    index, whole = await index_of([*shop, BOATS]), f"{before} {follow_up}"
    asked = Asked(follow_up, await encoder.read(follow_up))
    hit = index.search(whole, await encoder.read(whole), asked=asked).hits[0]
    assert hit.passage is not None
    assert hit.passage.heading == heading


@pytest.mark.parametrize(
    ("follow_up", "heading"),
    [
        ("is it cheaper in April?", "What it costs"),
        ("how much is it?", "What it costs"),
        ("and what if I lose it?", "Lost card"),
        ("can I return it?", "If you want to give it back"),
        ("what's included?", "What it includes"),
    ],
)
async def test_of_the_page_a_follow_up_is_about_it_gets_the_passage_that_it_asks_for(
    index_of: IndexOf, encoder: Encoder, shop: list[Article], follow_up: str, heading: str
) -> None:
    index, whole = await index_of([*shop, CARD]), f"Do I need a photo for the season card? {follow_up}"
    asked = Asked(follow_up, await encoder.read(follow_up))
    hit = index.search(whole, await encoder.read(whole), asked=asked).hits[0]
    assert hit.article.id == "card"
    assert hit.passage is not None
    assert hit.passage.heading == heading


def test_equal_scores_keep_their_order() -> None:
    assert best_first(np.array([0.5, 0.9, 0.5, 0.9], dtype=np.float32), 3) == [1, 3, 0]
