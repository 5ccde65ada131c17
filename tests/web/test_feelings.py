"""`deskhand sentiment`: a line in, a line out."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from core.nlp.encoder import Encoder
from core.nlp.sentiment import Sentiment, SentimentModel
from web import feelings

Shown = list[tuple[str, Sentiment]]


async def test_every_line_has_its_own_line_in_order(encoder: Encoder, sentiment: SentimentModel) -> None:
    texts = ["bag still not here, third call today", "", "Thank you so much, it works now", " \t", "ok " * 3000]
    shown: Shown = []
    lines = [f"{text}\r\n".encode() for text in texts]
    await feelings.score(lines, encoder, sentiment, lambda text, felt: shown.append((text, felt)))
    assert [text for text, _ in shown] == [text.strip() for text in texts]
    assert [felt.label for _, felt in shown][:4] == ["negative", "neutral", "positive", "neutral"]
    assert shown[1][1].scores == {"negative": 0.0, "neutral": 1.0, "positive": 0.0}


async def test_broken_bytes_are_still_a_line(encoder: Encoder, sentiment: SentimentModel) -> None:
    shown: Shown = []
    await feelings.score([b"great \xff\n", b"\xef\xbb\xbf\n"], encoder, sentiment, lambda *one: shown.append(one))
    assert len(shown) == 2


async def test_a_line_is_answered_before_the_next_one_comes(encoder: Encoder, sentiment: SentimentModel) -> None:
    answered = threading.Event()

    def typed() -> Iterator[bytes]:
        yield b"hello\n"
        assert answered.wait(20)
        yield b"bye\n"

    shown: Shown = []

    def show(text: str, felt: Sentiment) -> None:
        shown.append((text, felt))
        answered.set()

    await feelings.score(typed(), encoder, sentiment, show)
    assert [text for text, _ in shown] == ["hello", "bye"]


@pytest.mark.slow
def test_the_command_writes_one_object_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", "sentiment", "--json"],
        input="hello\n\nI am furious!!!", capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 3
    for row in rows:
        assert set(row) == {"label", "scores", "frustration", "urgency"}
        assert set(row["scores"]) == {"negative", "neutral", "positive"}
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert 0 <= row["frustration"] <= 1
        assert 0 <= row["urgency"] <= 1
    assert rows[2]["label"] == "negative"
