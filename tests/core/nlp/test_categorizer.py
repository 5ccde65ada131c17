from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.categorizer import Categorizer, Category
from core.nlp.encoder import Vector

DIMENSION = 8


def axis(number: int, wobble: float = 0.0, towards: int = 7) -> Vector:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[number], vector[towards] = 1.0, wobble
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def category(number: int, *examples: Vector) -> Category:
    return Category(str(number), axis(number), np.array(examples, dtype=np.float32).reshape(-1, DIMENSION))


@pytest.fixture
def two() -> Categorizer:
    return Categorizer([category(0, axis(0, 0.3), axis(0, 0.2, 6)), category(1, axis(1, 0.3), axis(1, 0.2, 6))])


def test_without_categories_nothing_is_assigned() -> None:
    assert Categorizer().assign(axis(0)) is None


def test_the_nearer_one_is_assigned_and_what_stands_out_for_none_is_not(two: Categorizer) -> None:
    assert two.assign(axis(0, 0.1)) == "0"
    assert two.assign(axis(1, 0.1)) == "1"
    assert two.assign(axis(4)) is None
    assert two.assign(axis(0, 1.0, 1)) is None  # halfway between the two


def test_what_agents_said_belongs_to_none_is_left_alone(two: Categorizer) -> None:
    foreign = axis(0, 0.5, 5)
    assert two.assign(foreign) == "0"
    assert Categorizer(two.categories, foreign[None]).assign(foreign) is None
    assert Categorizer(two.categories, foreign[None]).assign(axis(0, 0.3)) == "0"


def test_one_example_outweighs_what_all_the_others_say() -> None:
    odd = axis(0, 0.4, 5)
    many = category(0, *(axis(0, 0.1 * number) for number in range(5)))
    assert Categorizer([many, category(1, axis(1))]).assign(odd) == "0"
    assert Categorizer([many, category(1, axis(1), odd)]).assign(odd) == "1"


def test_a_sentence_alone_is_a_category() -> None:
    assert Categorizer([category(0), category(1)]).assign(axis(1, 0.1)) == "1"


@given(st.lists(st.integers(0, 4), max_size=5), st.integers(0, 2**32 - 1))
def test_any_categories_and_any_message_go_together(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(30, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    categories = [category(number, *vectors[number : number + count]) for number, count in enumerate(counts)]
    found = Categorizer(categories, vectors[:2]).assign(vectors[-1])
    assert found is None or found in {one.name for one in categories}
