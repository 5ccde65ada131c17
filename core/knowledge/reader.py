"""Reads the likeliest articles beside a message, word by word, and says how surely each of them answers it.

Vectors and words in common say that two texts are about the same thing. Whether "how much is it to Belfast" is
answered by a page that gives the price to Leeds takes reading. The network is small because the encoder has done most:
it gets the word pieces' stored vectors, never the texts. Each word piece of the message attends to the article, then to
the other ones, then to the article again, as in MORES (Gao, Dai and Callan 2020, https://arxiv.org/abs/2010.10137).
`core.knowledge.build.reader` trains it on the questions that customers ask invented small businesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nlp.runtime import session
from core.nlp.tokens import SCALE, Tokens

SHIPPED = Path(__file__).with_name("reader.onnx")
MADE_OF = "made_of"  # in the model's properties: the digest of what it was made of
LONGEST_MESSAGE, LONGEST_ASKING, LONGEST_PAGE = 94, 96, 256  # word pieces
ASKING, PASSAGE, BEYOND = 0, 1, -1  # what a word piece of a page belongs to; the last stands past its end

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of an article: its title, questions and headings, then its passage nearest to the message."""

    asking: Tokens
    passage: Tokens

    def __len__(self) -> int:
        return min(len(self.asking) + len(self.passage), LONGEST_PAGE)


class Reader:
    def __init__(self, path: Path = SHIPPED) -> None:
        self._session = session(path)

    def judge(self, message: Tokens, rarity: Matrix, pages: Sequence[Page]) -> Matrix:
        """A logit a page: against the others and against 0, which stands for "none of these", it is how likely the page
        answers. `rarity` is the idf of each word piece of the message, which must have some, as must each page."""
        asked, rarity = readable(message.vectors[:LONGEST_MESSAGE]), rarity[:LONGEST_MESSAGE]
        page, kind = side_by_side(pages)
        told = {
            "asked": np.repeat(asked[None], len(pages), axis=0),
            "rarity": np.repeat(rarity[None], len(pages), axis=0),
            "page": page,
            "kind": kind,
        }
        logits: Matrix = self._session.run(["logit"], told)[0]
        return logits


def readable(stored: NDArray[np.int8]) -> Matrix:
    """The vectors of word pieces, of about unit length."""
    return stored.astype(np.float32) / np.float32(SCALE)


def side_by_side(pages: Sequence[Page]) -> tuple[Matrix, NDArray[np.int64]]:
    """The pages' vectors, padded to one length, and what each belongs to."""
    longest = max(map(len, pages))
    vectors = np.zeros((len(pages), longest, pages[0].asking.vectors.shape[1]), dtype=np.int8)
    kinds = np.full((len(pages), longest), BEYOND, dtype=np.int64)
    for row, page in enumerate(pages):
        border = min(len(page.asking), longest)
        vectors[row, :border] = page.asking.vectors[:border]
        vectors[row, border : len(page)] = page.passage.vectors[: len(page) - border]
        kinds[row, :border], kinds[row, border : len(page)] = ASKING, PASSAGE
    return readable(vectors), kinds


@cache
def shipped() -> Reader:
    return Reader()
