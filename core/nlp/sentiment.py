"""How a customer feels, how frustrated they are and how urgent it is, from the encoder's one pass.

A factual complaint ("bag still not here, third call today") is negative here, though no word of it is: in support
that is what the person means. Trained by `core.nlp.build`; a score takes a fraction of a millisecond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core.nlp import surface
from core.nlp.encoder import Encoding, Vector

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")

SHIPPED = Path(__file__).parent / "models" / "sentiment" / "head.npz"

# What a conversation adds to the frustration of its latest message.
REPEATING, RISING, SHOUTING = 0.2, 0.1, 0.1
FADING = 0.6
SAME_WORDS = 0.6


@dataclass(frozen=True, slots=True)
class Sentiment:
    label: Label
    scores: dict[str, float]  # a probability for each label
    frustration: float  # 0 calm .. 1 furious
    urgency: float  # 0 can wait .. 1 outage, money, deadline, security, locked out, health


class SentimentModel:
    """One hidden layer over the encoder's `tone` and the text's shape, plus a weight for every word and pair."""

    def __init__(self, path: Path = SHIPPED) -> None:
        with np.load(path) as stored:
            parts = {name: stored[name].astype(np.float32) for name in stored.files if name != "words"}
            self._words = stored["words"]  # stays float16: a text reads only a few rows
        self._hidden, self._hidden_bias = parts["hidden"], parts["hidden_bias"]
        self._out, self._out_bias = parts["out"], parts["out_bias"]
        self._temperature = float(parts["temperature"])

    def score(self, text: str, encoding: Encoding) -> Sentiment:
        found = surface.words(text)
        features = np.concatenate([encoding.tone, surface.shape(text, found)])
        hidden = np.maximum(features @ self._hidden + self._hidden_bias, 0)
        rows = list(surface.buckets(found))
        spoken = self._words[rows].sum(axis=0, dtype=np.float32) / np.sqrt(len(rows))
        outputs: Vector = hidden @ self._out + self._out_bias + spoken
        return _sentiment(outputs, self._temperature)


def _sentiment(outputs: Vector, temperature: float) -> Sentiment:
    logits = outputs[:3] / temperature
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    frustration, urgency = 1 / (1 + np.exp(-outputs[3:5]))
    scores: dict[str, float] = {label: float(share) for label, share in zip(LABELS, shares, strict=True)}
    return Sentiment(LABELS[int(shares.argmax())], scores, float(frustration), float(urgency))


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the customer, with the frustration that `SentimentModel` saw in it alone."""

    text: str
    frustration: float


def conversation_frustration(messages: Sequence[Said]) -> float:
    """0..1 over the customer's messages, oldest first: rising, saying it again and shouting each add to it.

    Earlier anger fades with every calmer message, but does not vanish at the first polite one.
    """
    level = 0.0
    for number, message in enumerate(messages):
        level = max(message.frustration, FADING * level)
        if _repeats(message.text, [earlier.text for earlier in messages[:number]]):
            level += REPEATING
        if number >= 2 and messages[number - 2].frustration < messages[number - 1].frustration < message.frustration:
            level += RISING
        if _shouts(message.text):
            level += SHOUTING
        level = min(level, 1.0)
    return level


def _repeats(text: str, earlier: Sequence[str]) -> bool:
    own = set(surface.words(text)) if earlier else set()
    if len(own) < 3:  # "ok" and "thanks" may be said often
        return False
    return any(len(own & other) >= SAME_WORDS * len(own | other) for other in map(set, map(surface.words, earlier)))


def _shouts(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 8 and sum(letter.isupper() for letter in letters) > 0.7 * len(letters)
