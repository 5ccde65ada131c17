from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from core.nlp.encoder import Encoder
from core.nlp.sentiment import LABELS, Said, Sentiment, SentimentModel, conversation_frustration

Feel = Callable[[str], Awaitable[Sentiment]]


@pytest.fixture
async def feel() -> AsyncIterator[Feel]:
    encoder, model = Encoder(), SentimentModel()

    async def feel(text: str) -> Sentiment:
        return model.score(text, await encoder.encode(text))

    yield feel
    encoder.close()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("bag still not here, third call today", "negative"),
        ("How do I return my shoes?", "neutral"),
        ("Thank you so much, it works now", "positive"),
    ],
)
async def test_label(feel: Feel, text: str, label: str) -> None:
    assert (await feel(text)).label == label


async def test_scores_are_probabilities(feel: Feel) -> None:
    scores = (await feel("where is my order")).scores
    assert set(scores) == set(LABELS)
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)


def test_frustration_of_no_messages_is_none() -> None:
    assert conversation_frustration([]) == 0


def test_saying_it_again_is_more_frustrated() -> None:
    once = [Said("My parcel has not arrived", 0.4)]
    assert conversation_frustration([*once, Said("my parcel has still not arrived", 0.4)]) > 0.4
