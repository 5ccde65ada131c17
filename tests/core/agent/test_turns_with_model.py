"""Whole turns with a configured model: what the customer sees while it writes, and when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from core.events import conversation_topic
from core.helpdesk import Helpdesk
from core.models import Draft, Message
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from tests.cast import Shop, acme, from_dana
from tests.conftest import running
from tests.rows import finished, row
from tests.standins.openai_server import KEY, MODEL, OpenAIServer, answer

QUESTION = "How long do parcels to Austria take?"
PROVEN = "Parcels to Austria take four working days."


@pytest_asyncio.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(answer((PROVEN, [1]), ("They are always free.", [1]))) as server:
        yield server


@pytest_asyncio.fixture
async def helpdesk(
    settings: Settings, encoder: Encoder, sentiment: SentimentModel, server: OpenAIServer
) -> AsyncIterator[Helpdesk]:
    changes = {"llm_model": MODEL, "openai_api_key": KEY, "openai_base_url": server.url, "llm_timeout_s": 2.0}
    settings = Settings(_env_file=None, **{**settings.model_dump(), **changes})  # type: ignore[call-arg]
    async with running(settings, encoder=encoder, sentiment=sentiment) as helpdesk:
        yield helpdesk


async def test_the_customer_reads_along_and_the_message_says_the_same(helpdesk: Helpdesk) -> None:
    shop: Shop = await acme(helpdesk)
    message = from_dana(shop, QUESTION)
    receipt = await helpdesk.inbox.receive(message)
    with helpdesk.events.subscribe(conversation_topic(receipt.conversation_id)) as events:
        question = await finished(helpdesk.db, shop.id, receipt.message_id)
        seen = [await events.get() for _ in range(3)]
    reply = await row(helpdesk.db, shop.id, Message, author="ai")
    assert question.outcome == "answered"
    assert reply.text == PROVEN
    chunks = [event.data for event in seen if event.kind == "chunk"]
    assert chunks == [{"message_id": str(reply.id), "text": PROVEN + " "}]


async def test_with_its_model_down_the_helpdesk_answers_from_the_documents(
    helpdesk: Helpdesk, server: OpenAIServer
) -> None:
    shop = await acme(helpdesk)
    await server.down()
    receipt = await helpdesk.inbox.receive(from_dana(shop, QUESTION))
    question = await finished(helpdesk.db, shop.id, receipt.message_id)
    assert (question.outcome, question.error) == ("answered", None)
    assert PROVEN in (await row(helpdesk.db, shop.id, Message, author="ai")).text


async def test_a_draft_waits_with_all_that_the_model_wrote(helpdesk: Helpdesk) -> None:
    shop = await acme(helpdesk, settings={"autonomy": "draft"})
    receipt = await helpdesk.inbox.receive(from_dana(shop, QUESTION))
    assert (await finished(helpdesk.db, shop.id, receipt.message_id)).outcome == "escalated"
    draft = await row(helpdesk.db, shop.id, Draft)
    assert draft.text == f"{PROVEN} They are always free."
    assert [citation["article"] for citation in draft.citations] == ["delivery"]
