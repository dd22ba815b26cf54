"""From folders of pictures to a bundle's source: features, head, temperature, metrics, golden pictures."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..errors import InvalidDataset
from ..model.bundle import CARD, FORMAT_VERSION, ModelBundle, write_manifest
from ..model.preprocessing import preprocess
from .data.dataset import Sample, Split, by_split, class_indices, fingerprint, read_dataset
from .judging.card import render_card
from .judging.metrics import measure_folders
from .networks.efficientnet_lite import PREPROCESSING
from .networks.features import extract_features
from .networks.head import INVERSE_REGULARISATION, fit_head, fit_temperature, with_head

WEIGHTS = "model.keras"

AUGMENTED_VIEWS = 1
"""How many random views of each training picture there are beside the picture itself."""

GOLDEN_TOLERANCE = 1e-3
"""How far an engine may be from the reference: far above rounding, far below what anybody would notice."""

_LIBRARIES = ("keras", "tensorflow", "pillow", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Recipe:
    """What to make and from what."""

    name: str
    version: str
    backbone: Path
    seed: int


def train_bundle(recipe: Recipe, folders: Sequence[Path], golden: Path, out: Path) -> ModelBundle:
    """Train a head on the frozen backbone and write weights, golden pictures, card and manifest to ``out``.

    Args:
        recipe: name, version, backbone and seed.
        folders: each holds a folder of pictures for every class.
        golden: a folder of class folders with pictures that the bundle may carry; none is trained on.
        out: the folder to write to; other files in it stay.

    Raises:
        InvalidDataset: the folders cannot be used.
    """
    samples = read_dataset(folders)
    labels = sorted({sample.label for sample in samples})
    if len(labels) < 2:  # noqa: PLR2004 - a choice needs two
        raise InvalidDataset(f"Only the class {labels[0]!r} was found; a classifier needs at least two.")
    keras.utils.set_random_seed(recipe.seed)
    sides = by_split(samples)
    _check_sides(sides, labels)
    model, temperature, metrics = _train(recipe, sides, labels)
    out.mkdir(parents=True, exist_ok=True)
    model.save(out / WEIGHTS)
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": recipe.name,
        "version": recipe.version,
        "description": "A linear head on frozen EfficientNet-Lite0 features (ImageNet).",
        "labels": labels,
        "preprocessing": PREPROCESSING.model_dump(mode="json"),
        "calibration": {"temperature": temperature},
        "golden": _copy_golden(model, golden, out),
        "golden_tolerance": GOLDEN_TOLERANCE,
        "training": _provenance(recipe, samples, sides),
        "gate": None,
        "metrics": metrics,
        "artefacts": {"tensorflow": WEIGHTS},
    }
    (out / CARD).write_text(render_card(manifest))
    return write_manifest(out, manifest)


def _check_sides(sides: Mapping[Split, Sequence[Sample]], labels: Sequence[str]) -> None:
    """Every class must be there to learn from, and something to calibrate and to test on."""
    learnt = {sample.label for sample in sides["train"]}
    if missing := [label for label in labels if label not in learnt]:
        raise InvalidDataset(f"No picture of {missing[0]!r} falls on the side 'train'; add more pictures.")
    for side in ("calibration", "test"):
        if not sides[side]:
            raise InvalidDataset(f"No picture falls on the side {side!r}; add more pictures.")


def _train(
    recipe: Recipe, sides: Mapping[Split, Sequence[Sample]], labels: Sequence[str]
) -> tuple[keras.Model, float, dict[str, Any]]:
    backbone = keras.saving.load_model(recipe.backbone, compile=False)
    network = keras.Model(backbone.input, backbone.get_layer("features").output)
    train = sides["train"]
    views = [None, *range(AUGMENTED_VIEWS)]
    features = np.concatenate(
        [extract_features(network, train, PREPROCESSING, augmented=view) for view in views]
    )
    head = fit_head(features, np.tile(class_indices(train, labels), len(views)), recipe.seed)
    calibration = sides["calibration"]
    logits = head.logits(extract_features(network, calibration, PREPROCESSING))
    head = replace(head, temperature=fit_temperature(logits, class_indices(calibration, labels)))
    model = with_head(network, head)
    return model, head.temperature, _test(model, sides["test"], labels)


def _test(model: keras.Model, samples: Sequence[Sample], labels: Sequence[str]) -> dict[str, Any]:
    probabilities = extract_features(model, samples, PREPROCESSING)
    return {"split": "test", **measure_folders(probabilities, samples, labels)}


def _copy_golden(model: keras.Model, pictures: Path, out: Path) -> list[dict[str, Any]]:
    """Copy the pictures into the bundle, and say what the reference answers to each."""
    folder = out / "golden"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    golden = []
    for path in sorted(pictures.glob("*/*")):
        copy = shutil.copyfile(path, folder / f"{path.parent.name}-{path.name}")
        picture = preprocess(copy.read_bytes(), PREPROCESSING)
        probabilities = model.predict_on_batch(picture[np.newaxis])[0]
        golden.append(
            {"file": f"golden/{copy.name}", "probabilities": [float(value) for value in probabilities]}
        )
    return golden


def _provenance(
    recipe: Recipe, samples: Sequence[Sample], sides: Mapping[Split, Sequence[Sample]]
) -> dict[str, Any]:
    return {
        "seed": recipe.seed,
        "dataset_fingerprint": f"sha256:{fingerprint(samples)}",
        "pictures": {split: len(side) for split, side in sides.items()},
        "augmented_views": AUGMENTED_VIEWS,
        "inverse_regularisation": INVERSE_REGULARISATION,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
