import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, TooManyPixels
from muffin_v_chihuahua_ml_service.model import predictor as predictor_module
from muffin_v_chihuahua_ml_service.model.bundle import EngineName, ModelBundle, Precision, write_manifest
from muffin_v_chihuahua_ml_service.model.engines import CANDIDATES, RUNTIMES, Candidate, Found
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.settings import EngineChoice, PictureLimits, PrecisionChoice

NEEDS_TENSORFLOW = pytest.mark.needs("tensorflow")

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
    small = Predictor(made.bundle, made._engine, limits=PictureLimits(39 * 40))  # made is our own fake

    with pytest.raises(TooManyPixels):
        small.preprocess(red)


@dataclass(frozen=True)
class Fake:
    """An engine without a network, as one that was found would be."""

    run: Callable[[Batch], Batch]
    explain: Callable[[Batch], tuple[Batch, Batch]]
    name: EngineName
    precision: Precision
    streams: int
    max_batch: int = 4


LoadWith = Callable[..., Predictor]


def unasked(_: Batch) -> tuple[Batch, Batch]:
    """Loading explains nothing."""
    raise AssertionError


@pytest.fixture
def load_with(monkeypatch: pytest.MonkeyPatch) -> LoadWith:
    """Load a bundle where these engines are found, the first one first, and answer like this."""

    def load(
        run: Callable[[Batch], Batch] | dict[str, Callable[[Batch], Batch]],
        bundle: ModelBundle,
        precision: PrecisionChoice = "f32",
    ) -> Predictor:
        runs = run if isinstance(run, dict) else {"litert in f32": run}
        found = tuple(each for each in CANDIDATES if str(each) in runs)
        left_out = {CANDIDATES[0]: "there is none"}

        def started(_: ModelBundle, candidate: Candidate, *, threads: int, streams: int) -> Fake:
            assert threads == 1
            answers = runs[str(candidate)]
            return Fake(answers, unasked, candidate.engine, candidate.precision, streams)

        monkeypatch.setattr(predictor_module, "find_candidates", lambda *_: Found(found, left_out))
        monkeypatch.setattr(predictor_module, "load_candidate", started)
        return load_predictor(bundle, "auto", precision, threads=1, streams=3)

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

    with pytest.raises(InvalidBundle, match=re.escape(f"red.png: litert in f32 answers {said}")):
        load_with(always(*wrong), bundle)


def quantised(tolerance: float) -> dict[str, Any]:
    measured = {"calibrated_on": 9, "pictures": 9, "largest_difference": 0.01, "changed_verdicts": 0}
    return {"quantised": {"file": "model.int8.onnx", "tolerance": tolerance, **measured}}


@pytest.mark.parametrize(
    ("candidate", "off_by", "accepted"),
    [
        ("openvino in f32", 0.0011, False),
        ("openvino in bf16", 0.19, True),
        ("openvino in bf16", 0.21, False),
        ("openvino in int8", 0.06, True),
        ("openvino in int8", 0.08, False),
    ],
)
def test_each_precision_may_be_as_far_off_as_is_said_of_it(
    fake_bundle: Callable[..., ModelBundle],
    load_with: LoadWith,
    candidate: str,
    off_by: float,
    accepted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    bundle = fake_bundle(**with_golden(0.01), **quantised(0.07))
    engines = {candidate: always(0.01 + off_by, 0.99 - off_by)}

    if accepted:
        predictor = load_with(engines, bundle)
        assert f"{predictor.engine_name} in {predictor.precision}" == candidate
        assert predictor.tolerance >= off_by
    else:
        with pytest.raises(InvalidBundle, match=f"{candidate} answers"):
            load_with(engines, bundle)


@pytest.mark.parametrize("candidate", ["openvino in bf16", "onnxruntime in int8"])
def test_a_precision_that_changes_a_golden_verdict_is_refused(
    fake_bundle: Callable[..., ModelBundle], load_with: LoadWith, candidate: str
) -> None:
    bundle = fake_bundle(**with_golden(0.3), **quantised(0.3))  # red, from 0.6 on

    with pytest.raises(InvalidBundle, match=rf"red\.png: is 'unsure' to {candidate} and 'red' in f32\."):
        load_with({candidate: always(0.45, 0.55)}, bundle)


def test_the_fastest_that_gets_the_golden_pictures_right_is_taken_and_the_log_says_why(
    fake_bundle: Callable[..., ModelBundle], load_with: LoadWith, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Batch) -> Batch:
        raise RuntimeError("no such operator\nin this release")

    engines = {
        "openvino in bf16": always(0.9, 0.1),
        "openvino in f32": broken,
        "onnxruntime in f32": always(0.25, 0.75),
        "litert in f32": always(0.25, 0.75),
    }

    with caplog.at_level("INFO"):
        predictor = load_with(engines, fake_bundle(**with_golden(0.25)), "auto")

    assert (predictor.engine_name, predictor.precision) == ("onnxruntime", "f32")
    assert (predictor.streams, predictor.threads, predictor.max_batch) == (3, 1, 4)
    first, second, last = caplog.records
    assert [first.levelname, second.levelname, last.levelname] == ["WARNING", "WARNING", "INFO"]
    assert "red.png: openvino in bf16 answers 0.9000 for 'blue'" in first.getMessage()
    assert first.getMessage().startswith("openvino in bf16 is left out: ")
    assert "the network cannot be loaded or run (no such operator)." in second.getMessage()
    assert last.getMessage() == (
        "onnxruntime in f32 runs the network, measured at 1.0 times the speed of onnxruntime in f32; "
        "left out before it: openvino in int8 (there is none)"
    )


def test_where_no_engine_gets_them_right_the_last_one_says_why(
    fake_bundle: Callable[..., ModelBundle], load_with: LoadWith
) -> None:
    engines = {"onnxruntime in f32": always(0.5, 0.5), "litert in f32": always(0.75, 0.25)}

    with pytest.raises(InvalidBundle, match=r"litert in f32 answers 0\.75"):
        load_with(engines, fake_bundle(**with_golden(0.25)), "auto")


MAPS = {"activation_maps": {"head": "head.npy"}}


def test_an_explanation_is_the_prediction_with_what_each_place_says_for_each_label(
    make_predictor: Make, encode: Callable[..., bytes]
) -> None:
    picture = Image.new("RGB", (32, 32), "blue")
    picture.paste("red", (16, 0, 32, 16))
    predictor = make_predictor(manifest=MAPS)
    array = predictor.preprocess(encode(picture.resize((36, 36), Image.Resampling.NEAREST)))

    explained = predictor.explain(array)

    assert predictor.has_activation_maps
    assert explained.prediction == predictor.predict_batch([array])[0]
    blue, red = np.moveaxis(explained.maps, 2, 0)
    assert explained.maps.shape == (4, 4, 2)
    np.testing.assert_array_equal(red > 0, [[False, False, True, True]] * 2 + [[False] * 4] * 2)
    np.testing.assert_array_equal(blue, -red)


def test_without_activation_maps_there_is_no_explanation(make_predictor: Make) -> None:
    assert not make_predictor().has_activation_maps


@pytest.mark.parametrize("damage", ["three labels", "a list", "no array"])
def test_a_head_that_does_not_fit_is_a_fault_of_the_bundle(
    fake_bundle: Callable[..., ModelBundle], load_with: LoadWith, damage: str
) -> None:
    bundle = fake_bundle(**with_golden(0.25), **MAPS)
    head = bundle.folder / "head.npy"
    if damage == "no array":
        head.write_bytes(b"no array")
    else:
        np.save(head, np.zeros((2, 3) if damage == "three labels" else 4))

    with pytest.raises(InvalidBundle, match=r"bundle: the head cannot be read \(.+\)\.$"):
        load_with(always(0.25, 0.75), bundle)


def test_another_of_the_same_is_loaded_and_checked_anew(tiny_bundle: ModelBundle) -> None:
    first = load_predictor(tiny_bundle, "litert", threads=1, streams=2, limits=PictureLimits(pixels=99_999))

    again = first.again()

    assert again is not first
    assert again._engine is not first._engine
    for name in ("bundle", "engine_name", "precision", "threads", "streams", "_limits"):
        assert getattr(again, name) == getattr(first, name)


def test_another_is_not_loaded_from_files_that_are_others_by_now(
    tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    predictor = load_predictor(ModelBundle.read(tmp_path / "bundle"), "litert", threads=1)
    write_manifest(
        tmp_path / "bundle",
        tiny_bundle.manifest.model_dump(mode="json", exclude={"files"}) | {"version": "7.7.7"},
    )

    with pytest.raises(InvalidBundle, match=r"bundle: is another bundle than the one that was loaded"):
        predictor.again()


@pytest.mark.parametrize("probabilities", [(1.0,), (0.25, 0.5, 0.25)])
def test_an_engine_that_answers_for_more_or_fewer_labels_than_there_are_is_refused(
    fake_bundle: Callable[..., ModelBundle],
    load_with: Callable[..., Predictor],
    probabilities: tuple[float, ...],
) -> None:
    with pytest.raises(InvalidBundle, match="the network cannot be loaded or run"):
        load_with(always(*probabilities), fake_bundle())


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(each, marks=[pytest.mark.needs("tensorflow")] * (each == "tensorflow"))
        for each in RUNTIMES
    ],
)
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
