import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.knowledge.metrics import (
    at_threshold,
    auroc,
    expected_calibration_error,
    mrr_at,
    recall_at,
    reliability,
    threshold_for_escalation,
)


def test_recall_and_rank_count_only_what_is_covered() -> None:
    ranked = [["a", "b"], ["b", "a"], ["c", "d"], ["a"]]
    expected = [{"a"}, {"a"}, {"x"}, set[str]()]
    assert recall_at(1, ranked, expected) == pytest.approx(1 / 3)
    assert recall_at(2, ranked, expected) == pytest.approx(2 / 3)
    assert mrr_at(10, ranked, expected) == pytest.approx(0.5)
    assert recall_at(1, [["a"]], [set()]) == 0


def test_auroc() -> None:
    assert auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75
    assert auroc([0.5, 0.5], [False, True]) == 0.5
    assert auroc([0.5, 0.6], [True, True]) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auroc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    yes = [score for score, right in pairs if right]
    no = [score for score, right in pairs if not right]
    if yes and no:
        wins = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no])
        assert auroc([score for score, _ in pairs], [right for _, right in pairs]) == pytest.approx(wins)


def test_calibration() -> None:
    promised, right = [0.9] * 10 + [0.1] * 10, [True] * 9 + [False] + [False] * 10
    assert expected_calibration_error(promised, right) == pytest.approx(0.05)
    assert [(b.count, round(b.promised, 2), b.right) for b in reliability(promised, right)] == [
        (10, 0.1, 0.0),
        (10, 0.9, 0.9),
    ]
    assert reliability([1.0, 0.0], [True, False])[-1].count == 1
    assert expected_calibration_error([], []) == 0


def test_what_a_threshold_does() -> None:
    outcome = at_threshold(0.5, [0.9, 0.6, 0.6, 0.2], [True, False, False, True], [True, True, False, True])
    assert (outcome.precision, outcome.coverage, outcome.escalated) == (pytest.approx(1 / 3), pytest.approx(2 / 3), 0)
    assert at_threshold(0.5, [0.1], [True], [True]).precision == 1


def test_the_lowest_threshold_that_escalates_enough() -> None:
    confidence = [0.9, 0.1, 0.2, 0.3, 0.4]
    covered = [True, False, False, False, False]
    threshold = threshold_for_escalation(0.75, confidence, covered)
    assert at_threshold(threshold, confidence, covered, covered).escalated == 0.75
    assert threshold_for_escalation(1.0, confidence, covered) > 0.4
    assert threshold_for_escalation(0.9, [0.5], [True]) == 0
