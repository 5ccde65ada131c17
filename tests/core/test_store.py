from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from core.helpdesk import Helpdesk
from core.knowledge import store
from core.knowledge.store import Ingested, Shelf
from core.models import Document, Message, Organization, Passage
from core.nlp.encoder import Encoder, Meaning
from tests.cast import ACME_ARTICLES, Shop, from_dana, globex
from tests.fakes import SlowEncoder
from tests.hands import Hands
from tests.rows import row, rows

DELIVERY, RETURNS, *OTHERS = ACME_ARTICLES
SOURCE = "tests"


async def _version(helpdesk: Helpdesk, shop: Shop) -> int:
    async with helpdesk.db.read(shop.id) as scope:
        return (await scope.session.get_one(Organization, shop.id)).knowledge_version


async def test_ingesting_makes_the_source_equal_to_what_is_given(idle: Helpdesk, idle_acme: Shop) -> None:
    before = {d.slug: d for d in await rows(idle.db, idle_acme.id, Document)}
    changed = replace(DELIVERY, body="Delivery takes one day.")
    added = replace(RETURNS, id="exchanges", title="Exchanges")
    progress: list[int] = []
    result = await store.ingest(
        idle.db, idle_acme.id, idle.encoder, [changed, added, *OTHERS], SOURCE, progress=progress.append
    )
    assert result == Ingested(added=1, changed=1, unchanged=4, removed=1)
    assert sum(progress) == 6
    after = {d.slug: d for d in await rows(idle.db, idle_acme.id, Document)}
    assert set(after) == {"delivery", "exchanges", *(article.id for article in OTHERS)}
    assert all(after[article.id].id == before[article.id].id for article in OTHERS)
    bodies = [passage.body for passage in await rows(idle.db, idle_acme.id, Passage)]
    assert "Delivery takes one day." in bodies
    assert not any("two to three working days" in body for body in bodies)


async def test_ingesting_the_same_again_embeds_nothing_and_outdates_nothing(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder
) -> None:
    version = await _version(idle, idle_acme)
    slow.failures = [AssertionError("embedded again")]
    result = await store.ingest(idle.db, idle_acme.id, slow, ACME_ARTICLES, SOURCE)
    assert result == Ingested(unchanged=6)
    assert await _version(idle, idle_acme) == version


async def test_another_source_leaves_this_ones_articles_alone_and_takes_over_what_it_names(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    moved = replace(DELIVERY, body="Delivery takes one day.")
    assert await store.ingest(idle.db, idle_acme.id, idle.encoder, [moved], "elsewhere") == Ingested(changed=1)
    assert len(await rows(idle.db, idle_acme.id, Document)) == 6
    assert (await row(idle.db, idle_acme.id, Document, slug="delivery")).source == "elsewhere"
    result = await store.ingest(idle.db, idle_acme.id, idle.encoder, [], "elsewhere")
    assert result == Ingested(removed=1)


async def test_what_has_not_changed_moves_too_and_goes_with_its_new_source(idle: Helpdesk, idle_acme: Shop) -> None:
    assert await store.ingest(idle.db, idle_acme.id, idle.encoder, [DELIVERY], "elsewhere") == Ingested(unchanged=1)
    async with idle.db.read(idle_acme.id) as scope:
        assert await store.sources(scope) == ["elsewhere", SOURCE]
    assert await store.ingest(idle.db, idle_acme.id, idle.encoder, [], "elsewhere") == Ingested(removed=1)
    assert "delivery" not in [document.slug for document in await rows(idle.db, idle_acme.id, Document)]


async def test_an_ingest_that_fails_changes_nothing(idle: Helpdesk, idle_acme: Shop, encoder: Encoder) -> None:
    class Broken(SlowEncoder):
        async def read_many(self, texts: object) -> list[Meaning]:
            raise ZeroDivisionError

    before = [(d.slug, d.digest) for d in await rows(idle.db, idle_acme.id, Document)]
    with pytest.raises(ZeroDivisionError):
        await store.ingest(idle.db, idle_acme.id, Broken(encoder), [replace(DELIVERY, body="New")], SOURCE)
    assert [(d.slug, d.digest) for d in await rows(idle.db, idle_acme.id, Document)] == before


async def test_ingests_at_once_of_the_same_articles_leave_each_once(idle: Helpdesk, idle_acme: Shop) -> None:
    changed = [replace(article, title=article.title + "!") for article in ACME_ARTICLES]
    results = await asyncio.gather(
        *(store.ingest(idle.db, idle_acme.id, idle.encoder, changed, SOURCE) for _ in range(4)), return_exceptions=True
    )
    assert not [result for result in results if isinstance(result, BaseException)]
    documents = await rows(idle.db, idle_acme.id, Document)
    assert sorted(document.slug for document in documents) == sorted(article.id for article in ACME_ARTICLES)
    passages = await rows(idle.db, idle_acme.id, Passage)
    assert {passage.document_id for passage in passages} == {document.id for document in documents}


async def test_an_answer_uses_what_was_ingested_last(idle: Helpdesk, idle_acme: Shop) -> None:
    """The index is kept in memory; a change must reach the next turn, also one made by another process."""
    question = "How long does delivery take?"
    await idle.inbox.receive(from_dana(idle_acme, question))
    await Hands(idle).work()
    changed = replace(DELIVERY, body="Delivery takes one single day to any country.")
    await store.ingest(idle.db, idle_acme.id, idle.encoder, [changed, RETURNS, *OTHERS], SOURCE)
    await idle.inbox.receive(from_dana(idle_acme, question))
    await Hands(idle).work()
    first, second = await rows(idle.db, idle_acme.id, Message, author="ai")
    assert "two to three working days" in first.text
    assert "one single day" in second.text


async def test_an_index_is_built_once_for_all_who_wait_for_it(idle: Helpdesk, idle_acme: Shop) -> None:
    shelf = Shelf(idle.db, idle.encoder)
    version = await _version(idle, idle_acme)
    indexes = await asyncio.gather(*(shelf.index(idle_acme.id, version) for _ in range(8)))
    assert len({id(index) for index in indexes}) == 1
    assert {article.id for article in indexes[0].articles} == {article.id for article in ACME_ARTICLES}


async def test_each_organization_has_its_own_index(idle: Helpdesk, idle_acme: Shop) -> None:
    neighbour = await globex(idle)
    shelf = Shelf(idle.db, idle.encoder)
    ours, theirs = await shelf.index(idle_acme.id, 1), await shelf.index(neighbour.id, 1)
    assert not {a.id for a in ours.articles} & {a.id for a in theirs.articles}


async def test_what_another_encoder_has_read_is_read_anew(idle: Helpdesk, idle_acme: Shop) -> None:
    """After an upgrade the stored vectors are of the encoder before: nobody has to ingest again."""
    before = await rows(idle.db, idle_acme.id, Passage)
    nothing = np.zeros(idle.encoder.dimension, dtype=store.STORED).tobytes()
    async with idle.db.write(idle_acme.id) as scope:
        for document in await scope.session.scalars(scope.select(Document)):
            document.digest = "of another encoder"
        for passage in await scope.session.scalars(scope.select(Passage)):
            passage.vector, passage.tokens = nothing, b""
    version = await _version(idle, idle_acme)
    index = await Shelf(idle.db, idle.encoder).index(idle_acme.id, version)
    question = "How long does delivery take?"
    assert index.search(question, await idle.encoder.read(question)).hits[0].article.id == DELIVERY.id
    after = await rows(idle.db, idle_acme.id, Passage)
    assert {(p.id, p.vector, p.tokens) for p in after} == {(p.id, p.vector, p.tokens) for p in before}
    assert await _version(idle, idle_acme) == version + 1  # other processes load it too
    again = await store.ingest(idle.db, idle_acme.id, idle.encoder, ACME_ARTICLES, SOURCE)
    assert again.unchanged == len(ACME_ARTICLES)
