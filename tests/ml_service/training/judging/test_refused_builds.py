"""What must never be served, refused where it would be built: networks of one layer, set by hand."""

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.model.bundle import CARD, ModelBundle, write_manifest
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope, measure_bundle

pytestmark = pytest.mark.needs("tensorflow")

LOGIT = 12.0
"""How much surer of red the honest network is where red is brighter than blue by the whole range."""

GATE = {
    "precision": 0.7,
    "recall": 0.7,
    "ece": 0.1,
    "changed_verdicts": 1.0,  # a grey picture is nothing to a network that knows colours alone
}


@dataclass(frozen=True)
class Shop:
    """Pictures whose labels the honest network has the right probability of, and one to be shown of each."""

    samples: Sequence[Sample]
    golden: dict[str, Path]


def plain(path: Path, red: int, blue: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), (red, 100, blue)).save(path)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """300 pictures: the more red one has, the more often it is labelled so."""
    folder, rng = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    samples = []
    for number, (red, blue) in enumerate(rng.integers(50, 200, (300, 2)).tolist()):
        chance = 1 / (1 + np.exp(LOGIT * (blue - red) / 255))
        label = "red" if rng.random() < chance else "blue"
        path = plain(folder / label / f"{number}.bmp", red, blue)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        samples.append(Sample(path, label, "colours", "test", digest, digest))
    golden = {"blue": plain(folder / "blue.png", 20, 220), "red": plain(folder / "red.png", 220, 20)}
    return Shop(samples, golden)


def write_weights(path: Path, difference: float, lean: float) -> None:
    """A network with the logits ``lean`` for blue, and for red how much redder it is, so many times."""
    import keras  # noqa: PLC0415 - only these tests need it

    picture = keras.Input((32, 32, 3))
    logits = keras.layers.Dense(2)
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(picture))
    network = keras.Model(picture, keras.layers.Softmax()(logits(means)))
    kernel = np.array([[0, difference], [0, 0], [0, -difference]], dtype=np.float32)
    logits.set_weights([kernel, np.array([lean, 0], dtype=np.float32)])
    network.save(path)


Source = Callable[..., ModelBundle]


@pytest.fixture
def source(shop: Shop, tmp_path: Path) -> Source:
    """Write a bundle's source with its measures: how much a difference counts, and the lean to blue."""

    def write(difference: float = LOGIT, lean: float = 0.0, **changes: Any) -> ModelBundle:
        folder = tmp_path / "source"
        (folder / "golden").mkdir(parents=True)
        (folder / CARD).write_text("# by hand\n")
        write_weights(folder / "model.keras", difference, lean)
        manifest = _manifest(folder, shop) | changes
        _let_it_answer(folder, manifest)
        predictor = load_predictor(write_manifest(folder, manifest), "tensorflow", threads=2)
        manifest["metrics"] = measure_bundle(predictor, shop.samples, Scope(behaviour=6, latency=0))
        return write_manifest(folder, manifest)

    return write


def _manifest(folder: Path, shop: Shop) -> dict[str, Any]:
    golden = [
        {"file": f"golden/{Path(shutil.copy(path, folder / 'golden')).name}", "label": label}
        for label, path in shop.golden.items()
    ]
    return {
        "format_version": 3,
        "name": "by-hand",
        "version": "0.1.0",
        "description": "Tells red from blue.",
        "labels": ["blue", "red"],
        "preprocessing": {"width": 32, "height": 32, "resize_shorter_side": 36},
        "calibration": {
            "temperature": 0.9,
            "coverage": 0.9,
            "thresholds": {label: {"at_least": 0.55, "pictures": 100} for label in ("blue", "red")},
        },
        "golden": golden,
        "golden_tolerance": 0.001,
        "training": {},
        "gate": GATE,
        "metrics": {},
        "artefacts": {"tensorflow": "model.keras"},
    }


def _let_it_answer(folder: Path, manifest: dict[str, Any]) -> None:
    """Write down for the golden pictures what the network answers."""
    import keras  # noqa: PLC0415 - see above

    network = keras.saving.load_model(folder / "model.keras")
    for golden in manifest["golden"]:
        picture = Image.open(folder / golden["file"]).resize((32, 32))
        answer = network(np.asarray(picture, dtype=np.float32)[np.newaxis]).numpy()[0]
        golden["probabilities"] = [float(value) for value in answer]


@pytest.fixture
def build(command: Callable[..., Any], tmp_path: Path) -> Callable[[ModelBundle], list[str]]:
    """Build the source from the command line, and say why it is refused."""

    def run(bundle: ModelBundle) -> list[str]:
        out = tmp_path / "bundle"
        outcome = command("build", bundle.folder, "--out", out)
        assert out.exists() == (outcome.status == 0)
        if outcome.status == 0:
            return []
        head, *reasons = outcome.err.splitlines()
        assert (outcome.status, head) == (1, "Error: by-hand 0.1.0 does not pass its gate.")
        return list(reasons)

    return run


Build = Callable[[ModelBundle], list[str]]


def test_an_honest_model_is_built(source: Source, build: Build) -> None:
    assert build(source()) == []


def test_a_majority_classifier_is_refused(source: Source, build: Build, shop: Shop) -> None:
    blue = np.mean([sample.label == "blue" for sample in shop.samples])

    # it knows how many are blue and nothing else, so its probabilities are as honest as they can be
    reasons = build(source(difference=0.0, lean=float(np.log(blue / (1 - blue)))))

    assert any(reason.startswith("Accuracy: ") for reason in reasons)
    winner, loser = ("blue", "red") if blue > 0.5 else ("red", "blue")
    assert f"Precision of {loser!r}: no answer; required is at least 70.0%." in reasons
    assert any(reason.startswith(f"Precision of {winner!r}: ") for reason in reasons)
    assert not any("calibration" in reason for reason in reasons)


def test_a_swapped_label_list_is_refused(source: Source, build: Build) -> None:
    reasons = build(source(labels=["red", "blue"]))

    assert "golden/blue.png: shows 'blue', but 'red' wins; the labels may not be in the order" in reasons[0]
    assert any(reason.startswith("Recall of 'red': ") for reason in reasons)


def test_a_label_list_that_is_swapped_once_all_is_measured_is_refused_too(
    source: Source, build: Build
) -> None:
    bundle = source()
    content = bundle.manifest.model_dump(mode="json", exclude={"files"})

    reasons = build(write_manifest(bundle.folder, content | {"labels": ["red", "blue"], "gate": None}))

    assert len(reasons) == 3
    assert "golden/red.png: shows 'red', but 'blue' wins" in reasons[1]
    assert "measured with blue, red, but the labels are red, blue" in reasons[2]


def test_an_uncalibrated_model_is_refused(source: Source, build: Build) -> None:
    reasons = build(source(difference=20 * LOGIT))

    # its winners are those of the honest one: what is wrong is how sure it is of them, and of noise
    assert re.fullmatch(
        r"Expected calibration error: 0\.\d+ on 300 pictures; required is at most 0\.100\.", reasons[0]
    )
    assert all(" of the noise: " in reason for reason in reasons[1:])


def test_other_weights_than_were_measured_are_refused(source: Source, build: Build) -> None:
    bundle = source()
    write_weights(bundle.folder / "model.keras", LOGIT, 0.01)

    reasons = build(write_manifest(bundle.folder, bundle.manifest.model_dump(mode="json", exclude={"files"})))

    assert reasons == ["Metrics: measured on other weights than the bundle has; measure it again."]
