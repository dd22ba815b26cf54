from collections.abc import Callable

import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.calibration import (
    calibration_error,
    coverage_curve,
    negative_log_likelihood,
    reliability,
    verdict_measures,
)

MakeAnswers = Callable[..., Answers]


def sure(*probabilities: float) -> list[list[float]]:
    return [[each, 1 - each, 0.0] for each in probabilities]


def test_as_often_right_as_sure_is_no_error(make_answers: MakeAnswers) -> None:
    assert calibration_error(make_answers(sure(*[0.8] * 5), "aaaab")) == pytest.approx(0, abs=1e-6)


def test_surer_than_right_is_an_error_by_as_much(make_answers: MakeAnswers) -> None:
    assert calibration_error(make_answers(sure(*[1.0] * 5), "aaaab")) == pytest.approx(0.2)


def test_a_bin_counts_as_much_as_it_has_pictures(make_answers: MakeAnswers) -> None:
    # three at 0.9, all right: 0.1 off; one at 0.6, wrong: 0.6 off
    found = calibration_error(make_answers(sure(0.9, 0.9, 0.9, 0.6), "aaab"))

    assert found == pytest.approx((3 * 0.1 + 0.6) / 4)


def test_there_are_fifteen_bins_and_the_last_has_certainty(make_answers: MakeAnswers) -> None:
    bins = reliability(make_answers(sure(1.0, 0.95, 0.5), "abb"))

    assert [(each["from"], each["to"], each["pictures"]) for each in bins] == [
        (pytest.approx(7 / 15), pytest.approx(8 / 15), 1),
        (pytest.approx(14 / 15), 1.0, 2),
    ]
    assert bins[1]["probability"] == pytest.approx(0.975)
    assert bins[1]["accuracy"] == 0.5


def test_a_probability_on_an_edge_is_in_the_bin_below_as_in_the_paper(make_answers: MakeAnswers) -> None:
    [found] = reliability(make_answers([[0.6, 0.2, 0.2]], "a"))

    assert found["to"] == pytest.approx(0.6)


def test_the_likelihood_is_that_of_the_truth(make_answers: MakeAnswers) -> None:
    found = negative_log_likelihood(make_answers(sure(0.8, 0.8), "ab"))

    assert found == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2, rel=1e-5)


def test_the_impossible_that_happens_is_no_infinity(make_answers: MakeAnswers) -> None:
    assert 10 < negative_log_likelihood(make_answers(sure(1.0), "c")) < 100


def test_verdicts_are_counted_apart_from_winners(make_answers: MakeAnswers) -> None:
    answers = make_answers(sure(0.9, 0.9, 0.6, 0.6), "abab", sure_from=0.7)

    assert verdict_measures(answers) == {
        "answered_pictures": 2,
        "answered": 0.5,
        "answered_interval": [pytest.approx(0.15, abs=1e-2), pytest.approx(0.85, abs=1e-2)],
        "accuracy": 0.5,
        "accuracy_interval": [pytest.approx(0.095, abs=1e-2), pytest.approx(0.905, abs=1e-2)],
    }


def test_nothing_answered_is_neither_right_nor_wrong(make_answers: MakeAnswers) -> None:
    measured = verdict_measures(make_answers(sure(0.6), "a", sure_from=0.7))

    assert (measured["answered"], measured["accuracy"]) == (0.0, None)


def test_a_higher_threshold_answers_less(make_answers: MakeAnswers) -> None:
    points = {
        each["at_least"]: (each["answered"], each["accuracy"])
        for each in coverage_curve(make_answers(sure(0.99, 0.85, 0.75, 0.55), "aaab"))
    }

    assert points[0.0] == (1.0, 0.75)
    assert points[0.6] == (0.75, 1.0)
    assert points[0.8] == (0.5, 1.0)
    assert points[0.98] == (0.25, 1.0)
    assert points[0.999] == (0.0, None)
