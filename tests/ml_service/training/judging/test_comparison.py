from collections.abc import Callable

import pytest

from muffin_v_chihuahua_ml_service.errors import NotComparable
from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.comparison import check_comparable, compare

MakeAnswers = Callable[..., Answers]

A, B = [0.9, 0.1], [0.2, 0.8]


def test_only_the_pictures_that_one_alone_gets_right_tell_which_is_better(make_answers: MakeAnswers) -> None:
    one = make_answers([A] * 10, "a" * 9 + "b", labels="ab")
    other = make_answers([A] * 2 + [B] * 8, "a" * 9 + "b", labels="ab")

    found = compare(one, other)

    assert found["pictures"] == 10
    assert (found["one"]["accuracy"], found["other"]["accuracy"]) == (0.9, pytest.approx(0.3))
    assert (found["only_one_right"], found["only_other_right"]) == (7, 1)
    # as many as 7 of 8 on one side, by chance: 2 * (8 + 1) / 2**8
    assert found["p_value"] == pytest.approx(18 / 256)


def test_two_that_agree_are_not_told_from_each_other(make_answers: MakeAnswers) -> None:
    answers = make_answers([A, B], "ab", labels="ab")

    found = compare(answers, answers)

    assert (found["p_value"], found["differences"]) == (1.0, [])


def test_where_they_differ_is_listed_even_where_both_are_wrong(make_answers: MakeAnswers) -> None:
    one = make_answers([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]], "cb", labels="abc")
    # the other one has its labels in another order
    other = make_answers([[0.0, 0.2, 0.8], [0.0, 0.3, 0.7]], "cb", labels="cab")

    first, second = compare(one, other)["differences"]

    assert first == {
        "path": "d/c/0.png",
        "truth": "c",
        "one": {"label": "a", "probability": pytest.approx(0.9)},
        "other": {"label": "b", "probability": pytest.approx(0.8)},
    }
    assert second["other"]["probability"] == pytest.approx(0.7)


def test_bundles_with_the_same_labels_in_another_order_are_comparable() -> None:
    check_comparable(("a", "b"), ("b", "a"))


def test_labels_that_only_one_bundle_has_are_named() -> None:
    with pytest.raises(NotComparable, match=r"labels a, b, the other b, c; only one of them knows a, c\."):
        check_comparable(("a", "b"), ("b", "c"))
