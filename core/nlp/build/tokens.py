"""`python -m core.nlp.build.tokens` rebuilds the projection of word pieces that `core.nlp.tokens` reads.

Principal components of what the encoder makes of the word pieces in the demo shop's help pages and in the invented FAQ
of tests/data/faq: no questions, and nothing that a figure is measured on.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.knowledge.chunking import split
from core.knowledge.sources import read_folder
from core.nlp.encoder import Encoder
from core.nlp.tokens import SHIPPED, WIDTH

ROOT = Path(__file__).parents[3]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.nlp.build.tokens", description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    encoder = Encoder(1)
    mean, directions = fit(np.concatenate([encoder.upper_now(text)[1:-1] for text in texts()]))
    encoder.close()
    np.savez(given.out, mean=mean, directions=directions)


def texts() -> list[str]:
    folders = [ROOT / "web/demo/knowledge", *sorted((ROOT / "tests/data/faq").glob("*/knowledge"))]
    return [view.text for folder in folders for article in read_folder(folder) for view in split(article)]


def fit(hidden: NDArray[np.float32]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """The mean of the rows at unit length, and the directions of most variance as columns, of a fixed sign."""
    rows = (hidden / np.linalg.norm(hidden, axis=1, keepdims=True)).astype(np.float64)
    _, vectors = np.linalg.eigh(np.cov(rows.T))
    best = vectors[:, ::-1][:, :WIDTH]
    best = best * np.sign(best[np.abs(best).argmax(axis=0), np.arange(WIDTH)])
    return rows.mean(axis=0).astype(np.float16), best.astype(np.float16)


if __name__ == "__main__":
    main()
