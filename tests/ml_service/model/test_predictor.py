import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, TooManyPixels
from muffin_v_chihuahua_ml_service.model import predictor as predictor_module
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle, write_manifest
from muffin_v_chihuahua_ml_service.model.engines import RUNTIMES
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.settings import EngineChoice

Batch = NDArray[np.float32]
Make = Callable[..., Predictor]


def always(*probabilities: float) -> Callable[[Batch], Batch]:
    return lambda batch: np.tile(np.array(probabilities, dtype=np.float32), (len(batch), 1))


def test_each_picture_of_a_batch_gets_its_own_answer_in_order(
    make_predictor: Make, encode: Callable[..., bytes]
) -> None:
    predictor = make_predictor()
    pictures = [
        predictor.preprocess(encode(Image.new("RGB", (9, 9), colour))) for colour in ("red", "blue", "red")
    ]

    answers = predictor.predict_batch(pictures)

    assert [answer.verdict for answer in answers] == ["red", "blue", "red"]
    assert answers == [predictor.predict_batch([picture])[0] for picture in pictures]


def test_all_labels_are_there_best_first(make_predictor: Make, red: bytes) -> None:
    predictor = make_predictor(
        always(0.125, 0.625, 0.25),
        {
            "labels": ["a", "b", "c"],
            "golden": [{"file": "g.png", "probabilities": [0, 0, 1]}],
        },
    )

    [answer] = predictor.predict_batch([predictor.preprocess(red)])

    assert [(each.label, each.probability) for each in answer.predictions] == [
        ("b", 0.625),
        ("c", 0.25),
        ("a", 0.125),
    ]


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [((0.75, 0.25), "blue"), ((0.625, 0.375), "unsure"), ((0.375, 0.625), "red"), ((0.0, 1.0), "red")],
)
def test_a_winner_needs_what_the_manifest_asks_for(
    make_predictor: Make, red: bytes, probabilities: tuple[float, float], verdict: str
) -> None:
    thresholds = {"blue": {"at_least": 0.75, "pictures": 9}}
    predictor = make_predictor(
        always(*probabilities), {"calibration": {"temperature": 1, "thresholds": thresholds}}
    )

    [answer] = predictor.predict_batch([predictor.preprocess(red)])

    assert answer.verdict == verdict


def test_the_limit_of_pixels_is_the_predictors(make_predictor: Make, red: bytes) -> None:
    made = make_predictor()
    small = Predictor(made.bundle, made._engine, max_pixels=39 * 40)  # made is our own fake

    with pytest.raises(TooManyPixels):
        small.preprocess(red)


@pytest.fixture
def load_with(
    monkeypatch: pytest.MonkeyPatch, make_predictor: Make
) -> Callable[[Callable[[Batch], Batch], ModelBundle], Predictor]:
    """Load a bundle with a fake engine that answers like this."""

    def load(run: Callable[[Batch], Batch], bundle: ModelBundle) -> Predictor:
        engine = make_predictor(run)._engine
        monkeypatch.setattr(predictor_module, "load_engine", lambda *_, **__: engine)
        return load_predictor(bundle, threads=1)

    return load


def with_golden(probability: float) -> dict[str, object]:
    return {"golden": [{"file": "golden/red.png", "probabilities": [probability, 1 - probability]}]}


@pytest.mark.parametrize("off_by", [0, 0.0009, -0.0009])
def test_a_bundle_is_loaded_if_its_golden_pictures_get_their_probabilities(
    fake_bundle: Callable[..., ModelBundle],
    load_with: Callable[..., Predictor],
    off_by: float,
) -> None:
    bundle = fake_bundle(**with_golden(0.25))

    predictor = load_with(always(0.25 + off_by, 0.75 - off_by), bundle)

    assert predictor.bundle == bundle
    assert predictor.engine_name == "litert"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((0.2511, 0.7491), "0.2511 for 'blue' where the manifest expects 0.2500;"),
        ((0.5, 0.25), "0.2500 for 'red' where the manifest expects 0.7500;"),
        ((float("nan"), float("nan")), "nan for 'blue' where the manifest expects 0.2500;"),
    ],
)
def test_an_engine_that_answers_a_golden_picture_otherwise_is_refused_and_where_it_is_most_wrong_is_said(
    fake_bundle: Callable[..., ModelBundle],
    load_with: Callable[..., Predictor],
    wrong: tuple[float, float],
    said: str,
) -> None:
    bundle = fake_bundle(**with_golden(0.25))

    with pytest.raises(InvalidBundle, match=re.escape(f"red.png: litert answers {said}")):
        load_with(always(*wrong), bundle)


@pytest.mark.parametrize("probabilities", [(1.0,), (0.25, 0.5, 0.25)])
def test_an_engine_that_answers_for_more_or_fewer_labels_than_there_are_is_refused(
    fake_bundle: Callable[..., ModelBundle],
    load_with: Callable[..., Predictor],
    probabilities: tuple[float, ...],
) -> None:
    with pytest.raises(InvalidBundle, match="the network cannot be loaded or run"):
        load_with(always(*probabilities), fake_bundle())


@pytest.mark.parametrize("engine", RUNTIMES)
def test_an_artefact_that_is_no_network_is_a_fault_of_the_bundle(
    fake_bundle: Callable[..., ModelBundle], engine: EngineChoice
) -> None:
    bundle = fake_bundle()

    with pytest.raises(InvalidBundle, match=r"bundle: the network cannot be loaded or run \(.+\)\.$"):
        load_predictor(bundle, engine, threads=1)


@pytest.mark.parametrize("engine", RUNTIMES)
@pytest.mark.parametrize(
    "changes",
    [
        {"preprocessing": {"width": 32, "height": 32, "resize_shorter_side": 36}},
        {
            "labels": ["blue", "green", "red"],
            "golden": [{"file": "golden/red-2-0.bmp", "probabilities": [0, 0, 1]}],
        },
    ],
)
def test_a_network_of_other_shapes_than_the_manifests_is_a_fault_of_the_bundle(
    tiny_bundle: ModelBundle, tmp_path: Path, changes: dict[str, Any], engine: EngineChoice
) -> None:
    shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    manifest = tiny_bundle.manifest.model_dump(mode="json", exclude={"files"}) | changes
    bundle = write_manifest(tmp_path / "bundle", manifest)

    with pytest.raises(InvalidBundle, match=r"bundle: the network cannot be loaded or run \(.+\)\.$"):
        load_predictor(bundle, engine, threads=1)
