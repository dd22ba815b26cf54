from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import GateFailed
from muffin_v_chihuahua_ml_service.model.bundle import Manifest, ModelBundle
from muffin_v_chihuahua_ml_service.training.judging.gate.gate import check_bundle, check_gate, pass_gate
from muffin_v_chihuahua_ml_service.training.judging.gate.requirements import Requirements

Measures = dict[str, Any]

WANTED = Requirements(ece=0.2, changed_verdicts=1.0)
"""What the fake reaches: it is less sure than right, and grey pictures are neither red nor blue to it."""

CALIBRATION = {
    "temperature": 1.5,
    "thresholds": {label: {"at_least": 0.6, "pictures": 100} for label in ("blue", "red")},
}


@pytest.fixture
def manifest(fake_bundle: Callable[..., ModelBundle]) -> Manifest:
    return fake_bundle(calibration=CALIBRATION).manifest


def changed(measures: Measures, path: str, value: object) -> Measures:
    """The measures with another value at a place."""
    copy = deepcopy(measures)
    *way, last = path.split("/")
    place = copy
    for name in way:
        place = place[name]
    place[last] = value
    return copy


def test_what_reaches_all_that_is_asked_passes(manifest: Manifest, measures: Measures) -> None:
    assert check_gate(manifest, measures, WANTED) == []
    pass_gate(manifest, measures, WANTED)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("split", "all", "Side of the split: all; required is test."),
        (
            "all/accuracy_interval",
            [0.5, 0.6],
            "an interval above 57.1%, where 'red' for every picture gets 57.1%.",
        ),
        (
            "all/labels/red/recall",
            0.89,
            "Recall of 'red': 89.0% (91.2-100.0%) of 40 pictures; required is at least 90.0%.",
        ),
        (
            "all/labels/blue/precision",
            0.1,
            "Precision of 'blue': 10.0% (88.6-100.0%) of 30 pictures; required is at least 90.0%.",
        ),
        ("all/labels/blue/won", 0, "Precision of 'blue': no answer; required is at least 90.0%."),
        ("all/labels/blue/pictures", 0, "Recall of 'blue': no picture; required is at least 90.0%."),
        ("all/ece", 0.201, "Expected calibration error: 0.201 on 70 pictures; required is at most 0.200."),
        (
            "behaviour/exact/PNG/changed",
            0.125,
            "Verdicts changed by what the network cannot see: PNG 12.5% of 8; required is at most 0.0%.",
        ),
        (
            "behaviour/similar/grey/changed",
            1.01,
            "Verdicts changed by what does not matter: grey 101.0% of 8; required is at most 100.0%.",
        ),
        (
            "behaviour/ladders/noise/abstains",
            0.97,
            "No class at the end of the noise: 97.0% (67.6-100.0%) of 8 pictures; required",
        ),
        (
            "behaviour/ladders/noise/pictures",
            0,
            "No class at the end of the noise: no picture of a class to begin with; required",
        ),
        (
            "behaviour/ladders/occlusion/falls",
            False,
            "Mean probability along the occlusion: 0.8",
        ),
        (
            "slices/darkest third/gap",
            0.06,
            "below the mean on a kind of picture: darkest third 6.0% of 40; required is at most 5.0%.",
        ),
    ],
)
def test_what_falls_short_of_one_requirement_is_refused_with_one_sentence(
    manifest: Manifest, measures: Measures, path: str, value: object, reason: str
) -> None:
    measures["slices"] = {"darkest third": {"pictures": 40, "gap": 0.05}}
    assert check_gate(manifest, measures, WANTED) == []

    [found] = check_gate(manifest, changed(measures, path, value), WANTED)

    assert reason in found


@pytest.mark.parametrize(
    ("calibration", "reason"),
    [
        (CALIBRATION | {"temperature": 1.0}, "Temperature: 1.000; required is a fitted one."),
        (
            CALIBRATION | {"thresholds": {"red": {"at_least": 0.6, "pictures": 100}}},
            "Thresholds: none for blue; required is one for each label.",
        ),
    ],
)
def test_what_was_never_calibrated_is_refused_where_that_is_asked(
    fake_bundle: Callable[..., ModelBundle], measures: Measures, calibration: dict[str, Any], reason: str
) -> None:
    manifest = fake_bundle(calibration=calibration).manifest

    assert check_gate(manifest, measures, WANTED) == [reason]
    assert check_gate(manifest, measures, WANTED.model_copy(update={"calibrated": False})) == []


def test_the_margin_over_the_majority_is_asked_of_the_intervals_lower_end(
    manifest: Manifest, measures: Measures
) -> None:
    # all of 70 are right: from 94.8 %, and the largest class is 57.1 %
    enough = WANTED.model_copy(update={"majority_margin": 0.37})
    too_much = WANTED.model_copy(update={"majority_margin": 0.38})

    assert check_gate(manifest, measures, enough) == []
    [found] = check_gate(manifest, measures, too_much)
    assert found == (
        "Accuracy: 100.0% (94.8-100.0%) of 70 pictures; "
        "required is an interval above 95.1%, where 'red' for every picture gets 57.1%."
    )


def test_every_version_over_the_limit_is_named_the_worst_first(
    manifest: Manifest, measures: Measures
) -> None:
    measures = changed(measures, "behaviour/similar/grey/changed", 0.5)
    measures = changed(measures, "behaviour/similar/mirrored/changed", 0.25)

    [found] = check_gate(manifest, measures, WANTED.model_copy(update={"changed_verdicts": 0.2}))

    assert "grey 50.0% of 8, mirrored 25.0% of 8; required is at most 20.0%." in found


def test_a_version_may_have_a_limit_of_its_own(manifest: Manifest, measures: Measures) -> None:
    measures = changed(measures, "behaviour/similar/grey/changed", 0.5)
    measures = changed(measures, "behaviour/similar/mirrored/changed", 0.25)
    limits = {"changed_verdicts": 0.2, "versions": {"grey": 0.5}}

    [found] = check_gate(manifest, measures, WANTED.model_copy(update=limits))

    assert "matter: mirrored 25.0% of 8; required is at most 20.0%, grey 50.0%." in found


def test_a_behaviour_that_nobody_asked_for_is_not_looked_at(manifest: Manifest, measures: Measures) -> None:
    del measures["behaviour"]

    assert check_gate(manifest, measures, WANTED.model_copy(update={"behaviour": False})) == []
    assert check_gate(manifest, measures, WANTED) == ["Behaviour: not measured; required is a measured one."]


def test_without_metrics_nothing_is_reached(manifest: Manifest) -> None:
    assert check_gate(manifest, {}, WANTED) == ["Metrics: there are none; measure the bundle."]


def test_metrics_of_an_older_release_do_not_reach_anything(manifest: Manifest, measures: Measures) -> None:
    del measures["all"]["ece"]

    [found] = check_gate(manifest, measures, WANTED)

    assert found == "Metrics: 'ece' is not there; measure the bundle again, with this release."


def test_the_refusal_has_every_reason_on_a_line(manifest: Manifest, measures: Measures) -> None:
    measures = changed(changed(measures, "split", "train"), "all/ece", 0.5)

    with pytest.raises(GateFailed) as refusal:
        pass_gate(manifest, measures, WANTED)

    assert str(refusal.value).splitlines() == [
        "fake-model 9.9.9 does not pass its gate.",
        "Side of the split: train; required is test.",
        "Expected calibration error: 0.500 on 70 pictures; required is at most 0.200.",
    ]


def golden(label: str | None) -> list[dict[str, Any]]:
    return [{"file": "golden/red.png", "label": label, "probabilities": [0.1, 0.9]}]


@pytest.mark.parametrize("label", ["red", None])
def test_a_bundle_of_which_nobody_asked_anything_is_not_refused(
    fake_bundle: Callable[..., ModelBundle], label: str | None
) -> None:
    check_bundle(fake_bundle(gate=None, metrics={}, golden=golden(label)))


def test_a_golden_picture_that_is_taken_for_something_else_is_refused_without_any_data(
    fake_bundle: Callable[..., ModelBundle],
) -> None:
    with pytest.raises(
        GateFailed, match=r"golden/red\.png: shows 'blue', but 'red' wins; the labels may not"
    ):
        check_bundle(fake_bundle(gate=None, metrics={}, golden=golden("blue")))


@pytest.mark.parametrize("gate", [None, WANTED.model_dump()])
def test_metrics_of_other_weights_are_refused_whatever_is_asked(
    fake_bundle: Callable[..., ModelBundle], measures: Measures, gate: dict[str, Any] | None
) -> None:
    check_bundle(fake_bundle(gate=gate, metrics=measures, calibration=CALIBRATION))
    other = measures | {"weights_sha256": "0" * 64}

    with pytest.raises(GateFailed, match="Metrics: measured on other weights than the bundle has"):
        check_bundle(fake_bundle(gate=gate, metrics=other, calibration=CALIBRATION))


def test_metrics_that_do_not_say_of_which_weights_they_are_reach_nothing(
    fake_bundle: Callable[..., ModelBundle], measures: Measures
) -> None:
    del measures["weights_sha256"]

    with pytest.raises(GateFailed, match="Metrics: measured on other weights"):
        check_bundle(fake_bundle(gate=WANTED.model_dump(), metrics=measures, calibration=CALIBRATION))


def test_metrics_with_the_labels_in_another_order_are_refused(
    fake_bundle: Callable[..., ModelBundle], measures: Measures
) -> None:
    swapped = fake_bundle(labels=["red", "blue"], metrics=measures, golden=golden(None))

    with pytest.raises(GateFailed, match="Metrics: measured with blue, red, but the labels are red, blue"):
        check_bundle(swapped)


def test_a_bundle_that_does_not_reach_its_own_gate_is_refused(
    fake_bundle: Callable[..., ModelBundle], measures: Measures
) -> None:
    strict = WANTED.model_copy(update={"ece": 0.0}).model_dump()

    with pytest.raises(GateFailed, match="Expected calibration error"):
        check_bundle(fake_bundle(gate=strict, metrics=measures, calibration=CALIBRATION))
