"""What the sentiment model is trained on: GoEmotions (Apache-2.0) and our own support lines."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nlp.build.lines import grow
from core.nlp.sentiment import LABELS

Floats = NDArray[np.float32]

POSITIVE = frozenset(
    (
        *("amusement", "excitement", "joy", "love", "desire", "optimism", "caring", "pride", "admiration"),
        *("gratitude", "relief", "approval"),
    )
)
FRUSTRATION = {"anger": 1.0, "annoyance": 1.0, "disgust": 0.9, "disappointment": 0.7, "disapproval": 0.6}
NEGATIVE = frozenset(["fear", "nervousness", "remorse", "embarrassment", "sadness", "grief", *FRUSTRATION])

LINES_PER_TEMPLATE, LINES_SEED = 11, 7
# How often a label is expected in a help desk; the lines are weighted to this.
EXPECTED = (0.42, 0.32, 0.26)
URGENCY_OF_COMMENTS = 0.2  # GoEmotions does not label urgency: its comments count as calm, but lightly

MISSING = (
    "{path} is missing. Put GoEmotions there (Google Research, Apache-2.0, "
    "github.com/google-research/google-research/tree/master/goemotions): one JSON object a line with "
    '"text" and "emotions" (their names), in train.jsonl and dev.jsonl.'
)


@dataclass(frozen=True, slots=True)
class Corpus:
    texts: list[str]
    labels: Floats  # (n, 3) shares, as a comment may have several emotions
    frustration: Floats
    urgency: Floats
    weight: Floats
    urgency_weight: Floats


def read_comments(data: Path, part: str) -> Corpus:
    path = data / "goemotions" / f"{part}.jsonl"
    if not path.is_file():
        raise SystemExit(MISSING.format(path=path))
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    shares = np.array([_shares(row["emotions"]) for row in rows], dtype=np.float32)
    anger = [max((FRUSTRATION.get(emotion, 0.0) for emotion in row["emotions"]), default=0.0) for row in rows]
    ones = np.ones(len(rows), dtype=np.float32)
    return Corpus(
        texts=[row["text"] for row in rows],
        labels=shares,
        frustration=np.array(anger, dtype=np.float32),
        urgency=np.zeros(len(rows), dtype=np.float32),
        weight=ones,
        urgency_weight=ones * URGENCY_OF_COMMENTS,
    )


def _shares(emotions: list[str]) -> list[float]:
    counts = [0, 0, 0]
    for emotion in emotions:
        counts[0 if emotion in NEGATIVE else 2 if emotion in POSITIVE else 1] += 1
    return [count / len(emotions) for count in counts]


def support_lines() -> Corpus:
    lines = grow(LINES_PER_TEMPLATE, LINES_SEED)
    numbers = np.array([LABELS.index(line.label) for line in lines])
    weight = (np.array(EXPECTED) * len(lines) / np.bincount(numbers, minlength=3))[numbers].astype(np.float32)
    return Corpus(
        texts=[line.text for line in lines],
        labels=np.eye(3, dtype=np.float32)[numbers],
        frustration=np.array([line.frustration for line in lines], dtype=np.float32),
        urgency=np.array([line.urgency for line in lines], dtype=np.float32),
        weight=weight,
        urgency_weight=weight,
    )
