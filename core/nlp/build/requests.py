"""`python -m core.nlp.build.requests --data ../shared/data` rebuilds the head that recognises requests for a
person in words the phrase lists do not know.

A logistic regression on the encoder's vector and on hashed words, from the hand-written lines in
data/requests_for_people.txt and, as everything else that people ask, the development questions of banking77 and
clinc150.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nlp import surface
from core.nlp.encoder import Encoder
from core.nlp.intents import HEAD, RequestHead

LINES = Path(__file__).parent / "data" / "requests_for_people.txt"
STEPS, RATE, DECAY, BACKGROUND = 500, 0.1, 3e-5, 0.3
# Words may say as much as the vector before the decay holds them back.
WORD_SCALE = 2.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Of each text the vector, and of all texts in one row their words' buckets and the text that each is of."""

    vectors: Floats
    words: NDArray[np.int64]
    owner: NDArray[np.int64]
    shares: Floats

    @classmethod
    def of(cls, texts: list[str], vectors: NDArray[np.float32]) -> "Inputs":
        rows = [surface.buckets(surface.words(text)) for text in texts]
        counts = np.array([len(row) for row in rows])
        shares = np.repeat(WORD_SCALE / np.sqrt(counts), counts)
        return cls(vectors.astype(np.float64), np.concatenate(rows), np.repeat(np.arange(len(texts)), counts), shares)

    def logits(self, weights: Floats, words: Floats) -> Floats:
        spoken = np.bincount(self.owner, words[self.words] * self.shares, len(self.vectors))
        logits: Floats = self.vectors @ weights[:-1] + weights[-1] + spoken
        return logits

    def gradient(self, error: Floats) -> Floats:
        """By the weights of the vector, the bias and the words, in this order."""
        words = np.bincount(self.words, error[self.owner] * self.shares, surface.BUCKETS)
        return np.concatenate([self.vectors.T @ error, [error.sum()], words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=HEAD)
    given = parser.parse_args()
    texts, wanted = read_lines()
    questions = read_questions(given.data)
    encoder = Encoder(1)
    vectors = np.stack([encoder.encode_now(text).vector for text in texts + questions])
    encoder.close()
    labels = np.concatenate([wanted, np.zeros(len(questions))])
    importance = np.concatenate([np.ones(len(texts)), np.full(len(questions), BACKGROUND)])
    head = train(Inputs.of(texts + questions, vectors), labels, importance)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    made_of = {"encoder": Encoder.name, "lines": digest()}
    np.savez(given.out, **made_of, weights=head.weights, bias=np.float32(head.bias), words=head.words)  # type: ignore[arg-type]


def read_lines() -> tuple[list[str], NDArray[np.float32]]:
    lines = [line for line in LINES.read_text("utf-8").splitlines() if line[:2] in ("+ ", "- ")]
    return [line[2:] for line in lines], np.array([line[0] == "+" for line in lines], dtype=np.float32)


def digest() -> str:
    """Of the lines: a test sees from it that the shipped head was made of them."""
    return hashlib.sha256(LINES.read_bytes()).hexdigest()


def read_questions(data: Path) -> list[str]:
    files = [data / name / "dev.jsonl" for name in ("banking77", "clinc150")]
    return [json.loads(line)["text"] for file in files for line in file.read_text("utf-8").splitlines()]


def train(inputs: Inputs, labels: Floats, importance: Floats) -> RequestHead:
    """Adam on the weighted log loss, always from zero, so that the same data give the same head."""
    share = importance / importance.sum()
    bias = inputs.vectors.shape[1]
    state = np.zeros(bias + 1 + surface.BUCKETS)
    mean, square = np.zeros_like(state), np.zeros_like(state)
    decay = np.where(np.arange(len(state)) == bias, 0, DECAY)
    for step in range(1, STEPS + 1):
        logits = inputs.logits(state[: bias + 1], state[bias + 1 :])
        gradient = inputs.gradient((1 / (1 + np.exp(-logits)) - labels) * share) + decay * state
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        state -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    words = (WORD_SCALE * state[bias + 1 :]).astype(np.float16)
    return RequestHead(state[:bias].astype(np.float32), float(state[bias]), words)


if __name__ == "__main__":
    main()
