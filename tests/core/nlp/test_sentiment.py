import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.nlp import encoder as encoder_module
from core.nlp.encoder import Encoder
from core.nlp.sentiment import (
    LABELS,
    SHIPPED,
    Said,
    Sentiment,
    SentimentModel,
    conversation_frustration,
)

DATA = Path(__file__).parents[2] / "data" / "sentiment"
HEAD_FOLDER = SHIPPED.parent
ENCODER_FOLDER = encoder_module.SHIPPED


class Reader:
    """The shipped encoder and head together."""

    def __init__(self) -> None:
        self.encoder, self.model = Encoder(1), SentimentModel()

    def feel(self, text: str) -> Sentiment:
        return self.model.score(text, self.encoder.encode_now(text))


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.encoder.close()


def read(name: str) -> list[dict[str, object]]:
    return [json.loads(row) for row in (DATA / name).read_text(encoding="utf-8").splitlines()]


def auroc(scores: Sequence[float], wanted: Sequence[bool]) -> float:
    """The share of (wanted, other) pairs that the scores put in the right order."""
    high = [score for score, is_wanted in zip(scores, wanted, strict=True) if is_wanted]
    low = [score for score, is_wanted in zip(scores, wanted, strict=True) if not is_wanted]
    return float(np.mean([(one > other) + 0.5 * (one == other) for one in high for other in low]))


PLAIN_COMPLAINTS = [
    "bag still not here, third call today",
    "I ordered two and only got one",
    "No internet since Friday",
    "You said Monday and nobody came",
    "Charged twice for the same booking",
    "still waiting",
    "not working",
]
SARCASM = [
    "great, another delay. thanks a lot",
    "Thanks for nothing",
    "Oh wonderful, the app is down again 🙄",
    "love waiting two hours on hold",
    "nice job losing my suitcase",
]
QUESTIONS = [
    "How do I return my shoes?",
    "what time do you close on sunday",
    "Do you ship to Norway?",
    "My order number is 48213",
    "ok",
    "yes, the blue one",
    "yes please",
    "hi",
]
PRAISE = [
    "thanks!",
    "Thank you so much, it works now",
    "Great service, Maria was lovely",
    "not bad at all",
    "no problem at all, it was easy",
    "never had an issue with you",
    "👍👍",
    "😍 love it",
]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        *((text, "negative") for text in (*PLAIN_COMPLAINTS, *SARCASM, "😡😡", "👎", "???", "this is not good")),
        *((text, "neutral") for text in QUESTIONS),
        *((text, "positive") for text in PRAISE),
    ],
)
def test_label(reader: Reader, text: str, label: str) -> None:
    assert reader.feel(text).label == label


def test_how_to_complain_is_a_question_and_not_a_complaint(reader: Reader) -> None:
    assert reader.feel("What happens if my parcel is lost?").label == "neutral"
    assert reader.feel("My parcel is lost").label == "negative"


def test_held_out_lines(reader: Reader) -> None:
    rows = read("heldout.jsonl")
    feelings = [reader.feel(str(row["text"])) for row in rows]
    negative = [row["label"] == "negative" for row in rows]
    right = np.mean([feeling.label == row["label"] for feeling, row in zip(feelings, rows, strict=True)])
    told_apart = np.mean([(f.label == "negative") == is_bad for f, is_bad in zip(feelings, negative, strict=True)])
    assert len(rows) >= 400
    assert told_apart >= 0.81
    assert auroc([feeling.scores["negative"] for feeling in feelings], negative) >= 0.9
    assert right >= 0.76


@pytest.mark.parametrize(("name", "least"), [("urgency", 0.97), ("frustration", 0.95)])
def test_held_out_lines_are_ordered(reader: Reader, name: str, least: float) -> None:
    rows = read(f"{name}.jsonl")
    scores = [getattr(reader.feel(str(row["text"])), name) for row in rows]
    assert auroc(scores, [bool(row["high"]) for row in rows]) >= least


def test_no_held_out_line_is_trained_on() -> None:
    folder = Path(encoder_module.__file__).parent / "build" / "data"
    trained = {row.lower() for path in folder.glob("*.txt") for row in path.read_text(encoding="utf-8").splitlines()}
    for name in ("heldout.jsonl", "urgency.jsonl", "frustration.jsonl"):
        held_out = {str(row["text"]).lower() for row in read(name)}
        # One word or one emoji can only be written one way.
        assert not {text for text in held_out & trained if len(text.split()) > 1}, name


def test_shipped_model_gives_the_scores_it_was_built_with(reader: Reader) -> None:
    rows = (HEAD_FOLDER / "sample.jsonl").read_text(encoding="utf-8").splitlines()
    assert rows
    for row in map(json.loads, rows):
        encoding = reader.encoder.encode_now(row["text"])
        feeling = reader.model.score(row["text"], encoding)
        # Another processor may round int8 sums differently.
        assert encoding.vector[:8].tolist() == pytest.approx(row["vector"], abs=0.02)
        assert feeling.scores == pytest.approx(row["scores"], abs=0.05), row["text"]
        assert feeling.frustration == pytest.approx(row["frustration"], abs=0.05)
        assert feeling.urgency == pytest.approx(row["urgency"], abs=0.05)


@pytest.mark.parametrize("folder", [ENCODER_FOLDER, HEAD_FOLDER], ids=["minilm", "sentiment"])
def test_shipped_files_are_those_of_the_build(folder: Path) -> None:
    for line in (folder / "sha256.txt").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, f"{name}: run make models"


@pytest.mark.parametrize("text", ["", " ", "\ud83d", "a" * 5000, "!" * 300, "😡" * 400, "مرحبا", "0"])
def test_odd_text_has_a_score(reader: Reader, text: str) -> None:
    scores = reader.feel(text).scores
    assert set(scores) == set(LABELS)
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(), max_size=120))
def test_every_text_stays_within_bounds(reader: Reader, text: str) -> None:
    feeling = reader.feel(text)
    assert all(0 <= share <= 1 for share in feeling.scores.values())
    assert 0 <= feeling.frustration <= 1
    assert 0 <= feeling.urgency <= 1


def test_capitals_are_louder(reader: Reader) -> None:
    quiet = reader.feel("my parcel has still not arrived")
    assert reader.feel("MY PARCEL HAS STILL NOT ARRIVED!!!").frustration > quiet.frustration


def test_insults_are_angrier_than_facts(reader: Reader) -> None:
    fact = reader.feel("The lamp arrived with a crack, how do I return it?")
    assert reader.feel("You are thieves and liars, worst shop ever").frustration > fact.frustration + 0.3


def test_frustration_of_no_messages_is_none() -> None:
    assert conversation_frustration([]) == 0


def test_saying_it_again_adds_frustration() -> None:
    first = Said("My parcel 4821 has not arrived", 0.4)
    again = conversation_frustration([first, Said("my parcel 4821 has still not arrived", 0.4)])
    other = conversation_frustration([first, Said("It was sent to Leeds on Monday", 0.4)])
    assert again > other


def test_saying_ok_again_is_no_frustration() -> None:
    assert conversation_frustration([Said("ok", 0.0), Said("ok", 0.0)]) == 0


def test_rising_adds_frustration() -> None:
    rising = [Said("Where is it?", 0.1), Said("No, the other order", 0.3), Said("That is not my question", 0.5)]
    assert conversation_frustration(rising) > 0.5


def test_shouting_adds_frustration() -> None:
    calm = conversation_frustration([Said("Where is my money", 0.5)])
    assert conversation_frustration([Said("WHERE IS MY MONEY", 0.5)]) > calm


def test_anger_fades_but_not_at_the_first_polite_word() -> None:
    talk = [Said("You lied to me", 0.9)]
    levels = []
    for answer in ("fine", "it is number two", "Thursday", "thank you"):
        talk.append(Said(answer, 0.0))
        levels.append(conversation_frustration(talk))
    assert levels[0] > 0.4
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.2


@given(st.lists(st.builds(Said, st.text(max_size=30), st.floats(0, 1)), max_size=8))
def test_conversation_frustration_stays_within_bounds(messages: list[Said]) -> None:
    assert 0 <= conversation_frustration(messages) <= 1


async def test_scoring_needs_nothing_but_the_one_pass() -> None:
    encoder = Encoder(1)
    texts = ["How do I return my shoes?", "You lost my bag"]
    encodings = await asyncio.gather(*(encoder.encode(text) for text in texts))
    encoder.close()
    model = SentimentModel()
    labels = [model.score(text, encoding).label for text, encoding in zip(texts, encodings, strict=True)]
    assert labels == ["neutral", "negative"]
