from typing import Any

import pytest

from muffin_v_chihuahua.measures import CALIBRATION, METRICS, TRAINING, Bin, OfLabel, beside

WHOLE = {"accuracy": 0.5, "pictures": 4}


@pytest.mark.parametrize("nothing", [None, {}, [], "fine", 3, float("nan"), {"all": None, "between": 3}])
def test_what_nobody_said_is_nothing(nothing: Any) -> None:
    metrics = METRICS.validate_python(nothing)
    assert metrics.all.accuracy is None
    assert metrics.all.confusion is None
    assert not metrics.folders
    assert TRAINING.validate_python(nothing).dataset_fingerprint is None
    assert not CALIBRATION.validate_python(nothing).thresholds


@pytest.mark.parametrize("wrong", ["much", 98.3, -0.1, float("nan"), float("inf"), None, [0.5]])
def test_one_wrong_number_leaves_all_others(wrong: Any) -> None:
    metrics = METRICS.validate_python(
        {
            "split": "test",
            "all": WHOLE | {"accuracy_interval": [0.1, wrong], "ece": "small"},
            "folders": {"good": WHOLE, "bad": wrong, "half": WHOLE | {"accuracy": wrong}},
        }
    )
    assert (metrics.all.accuracy, metrics.all.pictures) == (0.5, 4)
    assert metrics.all.accuracy_interval is None
    assert metrics.all.ece is None
    assert metrics.folders.keys() == {"good", "half"}
    assert metrics.folders["half"].accuracy is None
    assert metrics.split == "test"


def test_of_a_list_or_a_table_what_cannot_be_understood_is_left_out() -> None:
    whole = {"probability": 0.5, "accuracy": 0.4, "pictures": 3}
    measures = METRICS.validate_python(
        {"all": {"reliability": [whole, {"probability": 0.5}, 7], "labels": {"a": {"recall": 1}, "b": 7}}}
    ).all
    assert measures.reliability == (Bin(0.5, 0.4, 3),)
    assert measures.labels == {"a": OfLabel(recall=1)}


def test_a_matrix_with_a_hole_in_it_is_none() -> None:
    assert METRICS.validate_python({"all": {"confusion": [[1, None], [0, 1]]}}).all.confusion is None


def test_single_numbers_and_words_without_a_place_are_known_by_their_own_names() -> None:
    said = {
        "all": {},
        "split": "test",
        "f1": 0.5,
        "notes": "by hand",
        "none": None,
        "list": [1],
        "huge": 10**400,
        "is_good": True,
    }
    assert beside(said) == {"f1": 0.5, "notes": "by hand", "is_good": True}
    assert beside(None) == {}
