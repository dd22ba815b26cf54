import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample, fingerprint
from muffin_v_chihuahua_ml_service.training.judging.measures import (
    Scope,
    measure_bundle,
    negative_label,
    weights_digest,
)

FAMILIARITY = {
    "layer": "features",
    "bank": 10,
    "neighbours": 3,
    "becomes": "red",
    "classes": {"blue": {"familiar_from": 0.8, "unknown_below": 0.5, "pictures": 20}},
}


def test_the_measures_say_of_which_weights_and_which_pictures_they_are(
    make_predictor: Callable[..., Predictor], samples: list[Sample]
) -> None:
    predictor = make_predictor()

    measures = measure_bundle(predictor, samples, Scope("validation", behaviour=0, latency=0))

    assert measures["split"] == "validation"
    assert measures["weights_sha256"] == predictor.bundle.manifest.files["model.keras"].sha256
    assert measures["data_fingerprint"] == f"sha256:{fingerprint(samples)}"


def test_what_is_not_asked_for_is_not_measured(
    make_predictor: Callable[..., Predictor], samples: list[Sample]
) -> None:
    bare = measure_bundle(make_predictor(), samples, Scope(behaviour=0, latency=0))

    assert not bare.keys() & {"behaviour", "latency", "outside", "between"}


def test_what_is_asked_for_is_measured_on_so_many_pictures(
    make_predictor: Callable[..., Predictor], samples: list[Sample], tmp_path: Path
) -> None:
    scope = Scope(
        behaviour=2, latency=3, negative="red", between=("red", "blue"), outside=(tmp_path / "colours",)
    )

    measures = measure_bundle(make_predictor(), samples, scope)

    assert measures["behaviour"]["pictures"] == 2
    # of the red one and the blue one, red is where it may end and not where it begins
    assert measures["behaviour"]["ladders"]["noise"]["pictures"] == 1
    assert measures["latency"]["pictures"] == 3
    assert measures["outside"]["colours"]["pictures"] == 70
    assert measures["between"]["accuracy"] == 1.0
    assert measures["negative"] == "red"


def test_the_measures_go_into_a_manifest_and_come_back(
    measures: dict[str, Any], fake_bundle: Callable[..., ModelBundle]
) -> None:
    assert json.loads(json.dumps(measures, allow_nan=False)) == measures
    assert fake_bundle(metrics=measures).manifest.metrics == measures


def test_a_bundle_without_the_weights_has_no_digest_of_them(fake_bundle: Callable[..., ModelBundle]) -> None:
    assert weights_digest(fake_bundle(artefacts={"litert": "model.tflite"}).manifest) is None


def test_the_negative_label_is_what_the_unfamiliar_becomes_or_what_was_measured(
    fake_bundle: Callable[..., ModelBundle],
) -> None:
    def negative(familiarity: dict[str, Any] | None, metrics: dict[str, Any]) -> str | None:
        calibration = {"temperature": 1.0, "familiarity": familiarity}
        return negative_label(fake_bundle(calibration=calibration, metrics=metrics).manifest)

    measured = {"negative": "blue"}
    assert negative(FAMILIARITY, measured) == "red"
    assert negative(FAMILIARITY | {"becomes": None}, measured) == "blue"
    assert negative(None, measured) == "blue"
    assert negative(None, {}) is None
