"""`python -m core.nlp.build.requests --data ../shared/data` rebuilds the head that recognises requests for a
person in words the phrase lists do not know.

A logistic regression on the encoder's vector, from the hand-written lines in data/requests_for_people.txt and,
as everything else that people ask, the development questions of banking77 and clinc150.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nlp.encoder import Encoder, Vector
from core.nlp.intents import HEAD

LINES = Path(__file__).parent / "data" / "requests_for_people.txt"
STEPS, RATE, DECAY, BACKGROUND = 600, 0.1, 1e-4, 0.3


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
    labels = np.concatenate([wanted, np.zeros(len(questions), np.float32)])
    importance = np.concatenate([np.ones(len(texts)), np.full(len(questions), BACKGROUND)]).astype(np.float32)
    weights, bias = train(vectors, labels, importance)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(given.out, encoder=Encoder.name, weights=weights, bias=np.float32(bias))


def read_lines() -> tuple[list[str], NDArray[np.float32]]:
    lines = [line for line in LINES.read_text("utf-8").splitlines() if line[:2] in ("+ ", "- ")]
    return [line[2:] for line in lines], np.array([line[0] == "+" for line in lines], dtype=np.float32)


def read_questions(data: Path) -> list[str]:
    files = [data / name / "dev.jsonl" for name in ("banking77", "clinc150")]
    return [json.loads(line)["text"] for file in files for line in file.read_text("utf-8").splitlines()]


def train(
    vectors: NDArray[np.float32], labels: NDArray[np.float32], importance: NDArray[np.float32]
) -> tuple[Vector, float]:
    """Adam on the weighted log loss, always from zero, so that the same data give the same head."""
    share = importance / importance.sum()
    state = np.zeros(vectors.shape[1] + 1)
    mean, square = np.zeros_like(state), np.zeros_like(state)
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    for step in range(1, STEPS + 1):
        error = (1 / (1 + np.exp(-inputs @ state)) - labels) * share
        gradient = inputs.T @ error + DECAY * np.append(state[:-1], 0)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        state -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return state[:-1].astype(np.float32), float(state[-1])


if __name__ == "__main__":
    main()
