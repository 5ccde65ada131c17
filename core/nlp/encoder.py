"""The sentence encoder: a text becomes a vector whose cosine to another says how alike they mean.

The shipped one is all-MiniLM-L6-v2 as int8 ONNX (see models/minilm/README.md). It runs once for each
message, and everything else (retrieval, categories, duplicates, sentiment) is computed from that one pass.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.nlp import tokens
from core.nlp.runtime import session
from core.nlp.tokens import Tokens

Vector = NDArray[np.float32]
T = TypeVar("T")

SHIPPED = Path(__file__).parent / "models" / "minilm"

# 256 tokens are all that is read; a longer text would only cost tokenizing time.
MAX_CHARACTERS = 8_000


class Embedder(Protocol):
    """A port: the shipped `Encoder`, or a model named in the settings."""

    @property
    def name(self) -> str:
        """Stored beside vectors: those of another name must be made anew."""

    @property
    def dimension(self) -> int: ...

    async def embed(self, text: str) -> Vector:
        """L2-normalised, of shape (dimension,)."""

    async def embed_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), dimension); the row of a text does not depend on its neighbours."""

    async def read(self, text: str) -> "Meaning":
        """The same vector, and the word pieces."""

    async def read_many(self, texts: Sequence[str]) -> list["Meaning"]: ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a text means: as a whole in its L2-normalised vector, and word piece by word piece."""

    vector: Vector
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Encoding(Meaning):
    """What one pass gives. `tone` is for the sentiment model: a branch of its own, the upper layers trained for
    feeling, on the same lower layers."""

    tone: Vector


class Encoder:
    """MiniLM on onnxruntime. `sessions` is how many texts are encoded at the same time, each on one thread.

    The threads share the onnxruntime sessions: run() is thread-safe, and the weights are in memory once.
    """

    name = "all-MiniLM-L6-v2-int8-3"
    dimension = 384

    def __init__(self, sessions: int = 2, path: Path = SHIPPED) -> None:
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._session = session(path / "model.onnx")
        self._tone = session(path / "tone.onnx")
        self._sessions = sessions
        self._pool = ThreadPoolExecutor(sessions, thread_name_prefix="encoder")

    async def encode(self, text: str) -> Encoding:
        """All in one pass, which costs 1.4 times as much as the vector alone."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.encode_now, text)

    async def embed(self, text: str) -> Vector:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._vector, text)

    async def read(self, text: str) -> Meaning:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read_now, text)

    async def embed_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for number, vector in enumerate(await self._each(self.embed, texts)):
            rows[number] = vector
        return rows

    async def read_many(self, texts: Sequence[str]) -> list[Meaning]:
        return await self._each(self.read, texts)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def _each(self, work: Callable[[str], Awaitable[T]], texts: Sequence[str]) -> list[T]:
        found: dict[int, T] = {}
        waiting = iter(enumerate(texts))

        async def fill() -> None:
            for number, text in waiting:
                found[number] = await work(text)

        # Never more in the pool than it can work on: a customer's message then waits for one text, not all.
        async with asyncio.TaskGroup() as group:
            for _ in range(self._sessions):
                group.create_task(fill())
        return [found[number] for number in range(len(texts))]

    def encode_now(self, text: str) -> Encoding:
        """The same on the caller's thread, for scripts."""
        ids = self._ids(text)
        vector, shared, upper = self._session.run(["vector", "shared", "upper"], {"ids": ids})
        tone = self._tone.run(["tone"], {"shared": shared})[0]
        return Encoding(vector[0], tokens.shipped()(ids[0], upper[0]), tone[0])

    def read_now(self, text: str) -> Meaning:
        ids = self._ids(text)
        vector, upper = self._session.run(["vector", "upper"], {"ids": ids})
        return Meaning(vector[0], tokens.shipped()(ids[0], upper[0]))

    def upper_now(self, text: str) -> NDArray[np.float32]:
        """(tokens, dimension): what the last layer makes of each token, the special ones among them."""
        upper: NDArray[np.float32] = self._session.run(["upper"], {"ids": self._ids(text)})[0][0]
        return upper

    def _vector(self, text: str) -> Vector:
        vector: Vector = self._session.run(["vector"], {"ids": self._ids(text)})[0][0]
        return vector

    def _ids(self, text: str) -> NDArray[np.int64]:
        # A lone surrogate (half an emoji) is no text to the tokenizer.
        readable = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        return np.array([self._tokenizer.encode(readable).ids], dtype=np.int64)
