from collections.abc import Callable
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.training.judging.gate.requirements import Requirements, requirements_of


def test_nothing_is_required_where_nobody_asked(fake_bundle: Callable[..., ModelBundle]) -> None:
    assert requirements_of(fake_bundle(gate=None).manifest) is None


def test_an_empty_gate_asks_for_the_defaults(fake_bundle: Callable[..., ModelBundle]) -> None:
    assert requirements_of(fake_bundle(gate={}).manifest) == Requirements()
    assert (Requirements().changed_verdicts, Requirements().abstains, Requirements().slice_gap) == (
        0.02,
        0.98,
        0.05,
    )


def test_a_label_may_have_requirements_of_its_own() -> None:
    wanted = Requirements.model_validate(
        {"precision": 0.8, "recall": 0.7, "classes": {"red": {"precision": 0.0}, "blue": {"recall": 0.99}}}
    )

    assert (wanted.precision_of("red"), wanted.recall_of("red")) == (0.0, 0.7)
    assert (wanted.precision_of("blue"), wanted.recall_of("blue")) == (0.8, 0.99)
    assert (wanted.precision_of("green"), wanted.recall_of("green")) == (0.8, 0.7)


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"recal": 0.9}, "gate: recal: Extra inputs are not permitted"),
        ({"recall": 90}, "gate: recall: Input should be less than or equal to 1"),
        ({"classes": {"red": {"ece": 0.1}}}, "gate: classes.red.ece: Extra inputs"),
        ({"classes": {"green": {}}}, "gate: classes: 'green' is none of the labels"),
        ({"versions": {"gray": 0.1}}, "gate: versions: 'gray' is none of mirrored,"),
    ],
)
def test_what_cannot_be_understood_is_named(
    fake_bundle: Callable[..., ModelBundle], gate: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidBundle, match=f"fake-model 9.9.9: {reason}"):
        requirements_of(fake_bundle(gate=gate).manifest)
