from collections.abc import Callable
from dataclasses import replace

import pytest

from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.behaviour.looks import Look
from muffin_v_chihuahua_ml_service.training.judging.behaviour.slices import (
    SMALLEST_SLICE,
    measure_slices,
    worst_slice,
)

LOOK = Look(300, 300, 100.0, 0.1)
MANY = SMALLEST_SLICE


@pytest.fixture
def slices_of(make_answers: Callable[..., Answers]) -> Callable[..., dict[str, dict[str, float]]]:
    """The slices of as many pictures as needed: right with the first look, wrong with the second."""

    def measure(
        first: Look, second: Look, *, wrong: int = MANY, folders: str = "dd"
    ) -> dict[str, dict[str, float]]:
        return measure_slices(
            make_answers(
                [[1.0, 0.0, 0.0]] * (MANY + wrong),
                "a" * MANY + "b" * wrong,
                looks=[first] * MANY + [second] * wrong,
                folders=folders[0] * MANY + folders[1] * wrong,
            )
        )

    return measure


@pytest.mark.parametrize(
    ("good", "bad", "second"),
    [
        ("shorter side over 256 px", "shorter side at most 128 px", replace(LOOK, width=128, height=140)),
        ("shorter side over 256 px", "shorter side at most 128 px", replace(LOOK, width=140, height=128)),
        ("shorter side over 256 px", "shorter side 129 to 256 px", replace(LOOK, width=140, height=129)),
        ("shorter side over 256 px", "shorter side 129 to 256 px", replace(LOOK, width=256, height=290)),
        ("nearly square", "portrait", replace(LOOK, height=400)),
        ("nearly square", "landscape", replace(LOOK, width=400)),
        ("many colours", "few colours", replace(LOOK, flatness=0.7)),
    ],
)
def test_kinds_of_pictures_are_told_apart_by_their_look(
    slices_of: Callable[..., dict[str, dict[str, float]]], good: str, bad: str, second: Look
) -> None:
    slices = slices_of(LOOK, second)

    assert slices.keys() == {good, bad}
    assert (slices[good]["accuracy"], slices[good]["gap"]) == (1.0, -0.5)
    assert (slices[bad]["accuracy"], slices[bad]["gap"]) == (0.0, 0.5)
    assert slices[bad]["pictures"] == MANY
    assert worst_slice(slices) == bad


def test_brightness_is_cut_into_thirds(make_answers: Callable[..., Answers]) -> None:
    looks = [replace(LOOK, brightness=float(number)) for number in range(3 * MANY)]
    answers = make_answers([[1.0, 0.0, 0.0]] * (3 * MANY), "a" * 2 * MANY + "b" * MANY, looks=looks)

    slices = measure_slices(answers)

    assert {name: (each["pictures"], each["accuracy"]) for name, each in slices.items()} == {
        "darkest third": (MANY, 1.0),
        "middle third by brightness": (MANY, 1.0),
        "brightest third": (MANY, 0.0),
    }


def test_each_data_folder_is_a_kind_of_its_own(
    slices_of: Callable[..., dict[str, dict[str, float]]],
) -> None:
    slices = slices_of(LOOK, LOOK, folders="xy")

    assert {name: each["accuracy"] for name, each in slices.items()} == {"folder x": 1.0, "folder y": 0.0}


def test_a_kind_with_few_pictures_says_nothing(
    slices_of: Callable[..., dict[str, dict[str, float]]],
) -> None:
    slices = slices_of(LOOK, replace(LOOK, width=100, height=100), wrong=MANY - 1)

    assert slices.keys() == {"shorter side over 256 px"}


def test_a_kind_that_all_are_of_is_none(slices_of: Callable[..., dict[str, dict[str, float]]]) -> None:
    assert slices_of(LOOK, LOOK) == {}
