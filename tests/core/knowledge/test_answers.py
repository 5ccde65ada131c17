import pytest

from core.agent.verify import verify
from core.nlp.encoder import Encoder
from tests.core.knowledge.answers import Judged, judge, share_right


@pytest.fixture(params=["dev", "heldout"])
async def judged(request: pytest.FixtureRequest, encoder: Encoder) -> list[Judged]:
    return await judge(encoder, request.param)


async def test_the_demo_shop_says_what_was_asked(judged: list[Judged]) -> None:
    assert share_right(judged) >= 0.78, [answer.expected.text for answer in judged if not answer.right]
    sure = [answer for answer in judged if answer.confidence >= 0.8]
    assert share_right(sure) >= 0.85


async def test_every_answer_is_quoted_and_proven(judged: list[Judged]) -> None:
    for answer in judged:
        assert all(quote.text and quote.text in quote.passage.body for quote in answer.found.citations)
        assert verify(answer.found.text, [quote.passage for quote in answer.found.citations]).proven
