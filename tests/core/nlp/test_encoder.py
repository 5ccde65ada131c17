import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.nlp.encoder import SHIPPED, Encoder

QUESTION = "My parcel has not arrived yet. Where is it?"


@pytest.fixture(scope="module")
def encoder() -> Iterator[Encoder]:
    encoder = Encoder()
    yield encoder
    encoder.close()


async def test_vector_is_normalised_and_of_the_named_dimension(encoder: Encoder) -> None:
    vector = await encoder.embed(QUESTION)
    assert vector.shape == (encoder.dimension,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


async def test_same_meaning_is_nearer_than_same_words(encoder: Encoder) -> None:
    question, same, other = await encoder.embed_many(
        [QUESTION, "When will my package be delivered?", "My cat has not come home yet. Where is it?"]
    )
    assert question @ same > question @ other


async def test_a_row_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    texts = [QUESTION, "ok", "I want my money back " * 20]
    rows = await encoder.embed_many(texts)
    assert rows.shape == (3, encoder.dimension)
    for text, row in zip(texts, rows, strict=True):
        assert np.array_equal(await encoder.embed(text), row)


async def test_many_of_none_is_an_empty_table(encoder: Encoder) -> None:
    assert (await encoder.embed_many([])).shape == (0, encoder.dimension)


async def test_at_once_gives_what_one_by_one_gives(encoder: Encoder) -> None:
    texts = [f"Order {number} is late" for number in range(40)]
    at_once = await asyncio.gather(*(encoder.embed(text) for text in texts))
    for text, vector in zip(texts, at_once, strict=True):
        assert np.array_equal(await encoder.embed(text), vector)


async def test_only_the_first_256_tokens_count(encoder: Encoder) -> None:
    start = "delayed " * 254
    assert np.array_equal(await encoder.embed(start), await encoder.embed(start + "thanks " * 10_000))


async def test_one_pass_gives_the_same_vector_and_a_tone(encoder: Encoder) -> None:
    encoding = await encoder.encode(QUESTION)
    assert np.array_equal(encoding.vector, await encoder.embed(QUESTION))
    assert encoding.tone.shape == (2 * encoder.dimension,)
    assert np.isfinite(encoding.tone).all()


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud83d", "🙂" * 500, "a" * 20_000])
async def test_odd_text_still_has_a_vector(encoder: Encoder, text: str) -> None:
    assert np.linalg.norm(await encoder.embed(text)) == pytest.approx(1, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(), max_size=200))
def test_any_text_has_a_finite_vector(encoder: Encoder, text: str) -> None:
    assert np.isfinite(asyncio.run(encoder.embed(text))).all()


def test_shipped_model_stays_small() -> None:
    assert (SHIPPED / "model.onnx").stat().st_size < 30_000_000
