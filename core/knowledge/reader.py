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

from core.nlp.tokens import SCALE, Tokens

SHIPPED = Path(__file__).with_name("reader.npz")
HEADS = 4
MADE_OF = "made_of"  # beside the weights: the digest of what they were made of
LONGEST_MESSAGE, LONGEST_ASKING, LONGEST_PAGE = 94, 96, 256  # word pieces
ABSENT = -1.0  # the cosine to a kind of text that the page has none of

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of an article: its title, questions and headings, then its passage nearest to the message."""

    asking: Tokens
    passage: Tokens

    def __len__(self) -> int:
        return min(len(self.asking) + len(self.passage), LONGEST_PAGE)


class Reader:
    """The weights are PyTorch's, by its names: a linear layer's are (outputs, inputs)."""

    def __init__(self, weights: dict[str, Matrix]) -> None:
        self._weights = {name: weight.astype(np.float32) for name, weight in weights.items()}
        # A linear layer multiplies by (inputs, outputs), which takes less time where it lies that way.
        self._turned = {
            name.removesuffix(".weight"): np.ascontiguousarray(weight.T)
            for name, weight in self._weights.items()
            if name.endswith(".weight") and weight.ndim == 2
        }

    @classmethod
    def read(cls, path: Path = SHIPPED) -> "Reader":
        with np.load(path) as data:
            return cls({name: data[name] for name in data.files if name != MADE_OF})

    def judge(self, message: Tokens, rarity: Matrix, pages: Sequence[Page]) -> Matrix:
        """A logit a page: against the others and against 0, which stands for "none of these", it is how likely the page
        answers. `rarity` is the idf of each word piece of the message, which must have some, as must each page."""
        kept = slice(0, LONGEST_MESSAGE)
        asked = message.vectors[kept].astype(np.float32) / np.float32(SCALE)
        rarity = rarity[kept]
        share = rarity / max(float(rarity.sum()), 1e-6)
        page, is_passage, beyond = _side_by_side(pages)
        cosines = np.maximum(asked @ page.transpose(0, 2, 1) + beyond, ABSENT)
        asking, told = (
            np.where(hidden[:, None], np.float32(ABSENT), cosines).max(axis=2) for hidden in (is_passage, ~is_passage)
        )
        best = np.maximum(asking, told)
        page = page + self._weights["kind.weight"][is_passage.astype(np.intp)]
        x = self._first_look(asked, page, beyond, np.stack([asking, told, best], axis=2), rarity, share)
        x = self._thought_over(x, page, beyond)
        return self._verdict(x, share, np.stack([best @ share, asking @ share, told @ share], axis=1))

    def _first_look(
        self, asked: Matrix, page: Matrix, beyond: Matrix, cosines: Matrix, rarity: Matrix, share: Matrix
    ) -> Matrix:
        shape = (len(page), len(asked))
        query = np.broadcast_to(self._linear("qp", asked), (*shape, self._weights["qp.bias"].size))
        seen = self._attend(query, page, beyond, "kp", "vp")
        told = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in (asked, rarity[:, None] / 4)]
        features = [told[0], seen, told[1], cosines, np.broadcast_to(share[:, None] * 5, (*shape, 1))]
        return self._norm("n0", _gelu(self._linear("inp", np.concatenate(features, axis=2))))

    def _thought_over(self, x: Matrix, page: Matrix, beyond: Matrix) -> Matrix:
        query, key, value = (_heads(part) for part in np.split(self._linear("sqkv", x), 3, axis=2))
        within = _softmax(query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(key.shape[-1]))) @ value
        x = self._norm("n1", x + self._linear("so", _joined(within)))
        x = self._norm("n2", x + self._linear("o2", self._attend(self._linear("q2", x), page, beyond, "k2", "v2")))
        return self._norm("n3", x + self._linear("f2", _gelu(self._linear("f1", x))))

    def _verdict(self, x: Matrix, share: Matrix, overall: Matrix) -> Matrix:
        telling = _softmax(self._linear("pool", x)[..., 0])
        pooled = [share @ x, x.max(axis=1), (telling[:, None] @ x)[:, 0], overall]
        return self._linear("out", _gelu(self._linear("h", np.concatenate(pooled, axis=1))))[:, 0]

    def _attend(self, query: Matrix, page: Matrix, beyond: Matrix, key: str, value: str) -> Matrix:
        """The keys' projection is applied to the queries and the values' to what was gathered: the same numbers, and a
        message has a tenth of a page's word pieces. The keys' bias moves all scores alike."""
        pages, words, width = query.shape
        size = width // HEADS
        keys, values = (self._weights[f"{name}.weight"].reshape(HEADS, size, -1) for name in (key, value))
        keys = keys / np.float32(np.sqrt(size))
        # All heads of all words as one table a page: few large multiplications.
        looking: Matrix = query.reshape(pages * words, HEADS, size).transpose(1, 0, 2) @ keys
        looking = looking.reshape(HEADS, pages, words, -1).transpose(1, 0, 2, 3).reshape(pages, HEADS * words, -1)
        scores: Matrix = looking @ page.transpose(0, 2, 1) + beyond
        gathered = _softmax(scores) @ page
        gathered = gathered.reshape(pages, HEADS, words, -1).transpose(1, 0, 2, 3).reshape(HEADS, pages * words, -1)
        found = (gathered @ values.transpose(0, 2, 1)).transpose(1, 0, 2).reshape(pages, words, width)
        return np.asarray(found + self._weights[f"{value}.bias"], dtype=np.float32)

    def _linear(self, name: str, x: Matrix) -> Matrix:
        # One multiplication of two tables is several times as fast as one for each page.
        rows = x.reshape(-1, x.shape[-1]) @ self._turned[name] + self._weights[f"{name}.bias"]
        return np.asarray(rows.reshape(*x.shape[:-1], -1), dtype=np.float32)

    def _norm(self, name: str, x: Matrix) -> Matrix:
        width = np.float32(x.shape[-1])
        centred = x - x.sum(axis=-1, keepdims=True) / width
        scaled = centred / np.sqrt((centred * centred).sum(axis=-1, keepdims=True) / width + np.float32(1e-5))
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], dtype=np.float32)


def _side_by_side(pages: Sequence[Page]) -> tuple[Matrix, NDArray[np.bool_], Matrix]:
    """The pages' vectors, padded to one length; whether each is of a passage; and what to add to a score for it:
    nothing, or minus infinity beyond the end of its page."""
    longest = max(map(len, pages))
    vectors = np.zeros((len(pages), longest, pages[0].asking.vectors.shape[1]), dtype=np.float32)
    is_passage = np.zeros((len(pages), longest), dtype=bool)
    beyond = np.zeros((len(pages), 1, longest), dtype=np.float32)
    for row, page in enumerate(pages):
        border = min(len(page.asking), longest)
        vectors[row, :border] = page.asking.vectors[:border]
        vectors[row, border : len(page)] = page.passage.vectors[: len(page) - border]
        is_passage[row, border:] = True
        beyond[row, 0, len(page) :] = -np.inf
    return vectors / np.float32(SCALE), is_passage, beyond


def _heads(x: Matrix) -> Matrix:
    rows, words, width = x.shape
    return x.reshape(rows, words, HEADS, width // HEADS).transpose(0, 2, 1, 3)


def _joined(x: Matrix) -> Matrix:
    rows, heads, words, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(rows, words, heads * size)


def _softmax(x: Matrix) -> Matrix:
    shares = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), dtype=np.float32)


def _gelu(x: Matrix) -> Matrix:
    """In the approximation by tanh (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415)."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)), dtype=np.float32)


@cache
def shipped() -> Reader:
    return Reader.read()
