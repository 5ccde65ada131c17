import random

import pytest

from core.knowledge.recalibrate import FEWEST_OUTCOMES, Recalibration, refit


def test_few_outcomes_change_nothing() -> None:
    assert refit([(0.9, False)] * (FEWEST_OUTCOMES - 1)) == Recalibration()
    assert Recalibration()(0.3) == pytest.approx(0.3)


def test_promises_that_are_not_kept_are_lowered() -> None:
    draw = random.Random(7)
    outcomes = [(p := draw.uniform(0.5, 0.99), draw.random() < p - 0.25) for _ in range(400)]
    found = refit(outcomes)
    assert found(0.9) == pytest.approx(0.65, abs=0.08)
    assert found(0.95) > found(0.9) > found(0.6)


def test_a_calibrated_desk_stays_as_it_is() -> None:
    draw = random.Random(7)
    found = refit([(p := draw.uniform(0.05, 0.99), draw.random() < p) for _ in range(1000)])
    assert found(0.85) == pytest.approx(0.85, abs=0.04)


@pytest.mark.parametrize("outcome", [(1.0, True), (0.0, False), (1.0, False)])
def test_extreme_outcomes_stay_probabilities_in_order(outcome: tuple[float, bool]) -> None:
    found = refit([outcome] * 80)
    assert 0 < found(0.01) < found(0.5) < found(0.99) < 1


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_sure_answers_that_are_wrong_half_the_time_are_no_longer_sent(confidence: float) -> None:
    found = refit([(confidence, number % 2 == 0) for number in range(120)])
    assert found(confidence) == pytest.approx(0.5, abs=0.12)
    assert found.needed(0.85) > confidence


def test_what_is_needed_is_the_inverse_of_what_is_promised() -> None:
    found = Recalibration(-0.7, 0.6)
    for wanted in (0.2, 0.85, 0.99):
        assert found(found.needed(wanted)) == pytest.approx(wanted, abs=0.001)
    assert Recalibration().needed(1.0) == 1.0
