"""What each word piece of a text means where it stands, in 66 bytes, so that it can be kept beside every passage.

The encoder's last layer says it in 384 numbers. The 64 directions in which word pieces differ most, as whole numbers
of one byte, find the same articles (`core.nlp.build.tokens` fits them).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent / "models" / "minilm" / "tokens.npz"
WIDTH = 64
SCALE = 127.0
VERSION = "3"  # stored tokens of another version must be made anew

_ROW = np.dtype([("id", "<u2"), ("vector", "i1", WIDTH)])


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ids` are the tokenizer's, without its special ones; `vectors` are of unit length, times `SCALE`."""

    ids: NDArray[np.uint16]
    vectors: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, places: slice) -> "Tokens":
        return Tokens(self.ids[places], self.vectors[places])

    @classmethod
    def joined(cls, parts: Sequence["Tokens"]) -> "Tokens":
        """One text after the other."""
        if not parts:
            return NO_TOKENS
        return cls(np.concatenate([part.ids for part in parts]), np.concatenate([part.vectors for part in parts]))

    def to_bytes(self) -> bytes:
        rows = np.empty(len(self), dtype=_ROW)
        rows["id"], rows["vector"] = self.ids, self.vectors
        return rows.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Tokens":
        rows = np.frombuffer(stored, dtype=_ROW)
        return cls(rows["id"], rows["vector"])


NO_TOKENS = Tokens.from_bytes(b"")


@dataclass(frozen=True, slots=True)
class Projection:
    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> "Projection":
        with np.load(path) as data:
            return cls(data["mean"].astype(np.float32), data["directions"].astype(np.float32))

    def __call__(self, ids: NDArray[np.int64], hidden: NDArray[np.float32]) -> Tokens:
        """`hidden` has a row for each id. The first and the last are the special ones."""
        inside = hidden[1:-1]
        lengths = np.sqrt((inside * inside).sum(axis=1, keepdims=True))
        turned = (inside / np.maximum(lengths, 1e-9) - self.mean) @ self.directions
        lengths = np.sqrt((turned * turned).sum(axis=1, keepdims=True))
        whole = np.rint(turned * (SCALE / np.maximum(lengths, 1e-9))).astype(np.int8)
        return Tokens(ids[1:-1].astype(np.uint16), whole)


@cache
def shipped() -> Projection:
    return Projection.read(SHIPPED)
