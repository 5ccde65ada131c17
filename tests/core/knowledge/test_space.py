import numpy as np
import pytest

from core.knowledge.selftest import USUAL_WRONG, Spread
from core.knowledge.space import Matrix, Rows, Segments, Space, unit, wording_damper


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def rows(draw: np.random.Generator, owners: list[int], dimension: int = 16) -> Rows:
    vectors = unit(draw.normal(size=(len(owners), dimension)).astype(np.float32))
    return Rows(vectors, np.array(owners, dtype=np.int32))


def test_cosines_are_those_of_the_plain_definition(draw: np.random.Generator) -> None:
    questions, headings, passages = rows(draw, [0, 0, 1, 2]), rows(draw, [1]), rows(draw, [0, 2, 2])
    space = Space(questions, headings, passages, 3)
    message: Matrix = unit(draw.normal(size=(1, 16)).astype(np.float32))
    found = space.cosines(message)
    mean = unit(questions.vectors[:2].mean(axis=0))
    assert found.centroid[0, 0] == pytest.approx(float(message[0] @ mean), abs=1e-5)
    compared = np.stack([questions.vectors[2], headings.vectors[0]])
    assert found.asked[0, 1] == pytest.approx(float((compared @ message[0]).max()), abs=1e-6)
    assert found.passage[0, 2] == pytest.approx(float((passages.vectors[1:] @ message[0]).max()), abs=1e-6)
    assert found.passage[0, 1] == found.asked[0, 1], "an article without passages is judged by its questions"
    assert space.to_passages(found, 2) == pytest.approx(passages.vectors[1:] @ message[0], abs=1e-6)
    assert len(space.to_passages(found, 1)) == 0


def test_few_paraphrases_damp_nothing(draw: np.random.Generator) -> None:
    assert wording_damper(rows(draw, [0, 0, 1, 1])) is None
    assert wording_damper(rows(draw, list(range(50)))) is None


def test_directions_of_mere_wording_are_damped(draw: np.random.Generator) -> None:
    subject = draw.normal(size=(40, 16))
    subject[:, 0] = 0
    wording = draw.normal(size=(40, 4, 1)) * np.eye(16)[0]
    questions = unit((subject[:, None] + 3 * wording).reshape(160, 16).astype(np.float32))
    damper = wording_damper(Rows(questions, np.repeat(np.arange(40, dtype=np.int32), 4)))
    assert damper is not None
    kept = np.linalg.norm(damper, axis=1)
    assert kept[0] < 0.6 * kept[1:].min()


def test_segments_without_columns(draw: np.random.Generator) -> None:
    empty = Segments(np.zeros(0, dtype=np.int32), 2)
    assert empty.best(np.zeros((3, 0), dtype=np.float32)).tolist() == [[-1, -1]] * 3


def test_a_spread_of_little_stays_near_the_usual() -> None:
    assert Spread.of(np.zeros(0, dtype=np.float32), USUAL_WRONG) == USUAL_WRONG
    one = Spread.of(np.array([0.9], dtype=np.float32), USUAL_WRONG)
    many = Spread.of(np.full(1000, 0.9, dtype=np.float32), USUAL_WRONG)
    assert USUAL_WRONG.mean < one.mean < 0.6 < many.mean
    assert 0 < many.above(0.9) < 0.5 < one.above(0.9)
