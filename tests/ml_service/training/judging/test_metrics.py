import json
from collections.abc import Callable

import pytest

from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.metrics import measure, measure_between, measure_folders

PROBABILITIES = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.4, 0.35, 0.25], [0.1, 0.2, 0.7]]
TRUTHS = "abbba"


@pytest.fixture
def answers(make_answers: Callable[..., Answers]) -> Answers:
    return make_answers(PROBABILITIES, TRUTHS, folders="nnmmm", sure_from=0.65)


def test_accuracy_precision_and_recall_are_those_of_the_winner(answers: Answers) -> None:
    measures = measure(answers)

    assert measures["pictures"] == 5
    assert measures["accuracy"] == pytest.approx(2 / 5)
    found = {
        label: (each["pictures"], each["won"], each["precision"], each["recall"])
        for label, each in measures["labels"].items()
    }
    assert found == {
        "a": (2, 3, pytest.approx(1 / 3), pytest.approx(1 / 2)),
        "b": (3, 1, 1.0, pytest.approx(1 / 3)),
        "c": (0, 1, 0.0, None),
    }
    assert list(found) == ["a", "b", "c"]


def test_what_was_taken_for_what_has_a_row_for_each_truth(answers: Answers) -> None:
    assert measure(answers)["confusion"] == [[1, 0, 1], [2, 1, 0], [0, 0, 0]]


def test_a_label_that_never_wins_has_no_precision(make_answers: Callable[..., Answers]) -> None:
    measured = measure(make_answers([[0.8, 0.1, 0.1]], "b"))["labels"]["b"]

    assert (measured["precision"], measured["precision_interval"], measured["recall"]) == (None, None, 0.0)


def test_each_folder_is_measured_for_itself_and_all_together(
    answers: Answers, make_answers: Callable[..., Answers]
) -> None:
    measures = measure_folders(answers)

    assert measures["all"] == measure(answers)
    assert measures["folders"] == {
        "m": measure(make_answers(PROBABILITIES[2:], TRUTHS[2:], sure_from=0.65)),
        "n": measure(make_answers(PROBABILITIES[:2], TRUTHS[:2], sure_from=0.65)),
    }


def test_the_measures_are_plain_json(answers: Answers) -> None:
    measures = {**measure_folders(answers), "between": measure_between(answers, ("a", "b"))}

    assert json.loads(json.dumps(measures, allow_nan=False)) == measures


@pytest.mark.parametrize(
    ("pair", "pictures", "wrong"), [(("a", "b"), 5, 3), (("b", "a"), 5, 3), (("a", "c"), 2, 1)]
)
def test_between_two_labels_only_their_own_pictures_and_probabilities_count(
    answers: Answers, pair: tuple[str, str], pictures: int, wrong: int
) -> None:
    # a against b: the second and the fourth picture are b, and the fifth is a, with the other one ahead
    measured = measure_between(answers, pair)

    assert measured["pair"] == list(pair)
    assert (measured["pictures"], measured["wrong"]) == (pictures, wrong)
    assert measured["accuracy"] == pytest.approx(1 - wrong / pictures)
    assert measured["accuracy_interval"][0] < measured["accuracy"] < measured["accuracy_interval"][1]
