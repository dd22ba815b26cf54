from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.model.bundle import CARD, ModelBundle
from muffin_v_chihuahua_ml_service.training.data.dataset import by_split, fingerprint, read_dataset
from muffin_v_chihuahua_ml_service.training.train import Recipe, train_bundle


def test_the_manifest_says_what_was_made_of_what(tiny_source: ModelBundle, workshop: Any) -> None:
    manifest, samples = tiny_source.manifest, read_dataset([workshop.data])

    assert (manifest.name, manifest.version) == ("tiny", "0.1.0")
    assert manifest.labels == ("blue", "red")
    assert manifest.artefacts == {"tensorflow": "model.keras"}
    assert manifest.training["seed"] == 3
    assert manifest.training["dataset_fingerprint"] == f"sha256:{fingerprint(samples)}"
    assert manifest.training["pictures"] == {side: len(found) for side, found in by_split(samples).items()}
    assert manifest.training["libraries"]["keras"] == keras.__version__


def test_the_metrics_are_those_of_the_test_side(tiny_source: ModelBundle, workshop: Any) -> None:
    metrics = tiny_source.manifest.metrics

    assert metrics["split"] == "test"
    assert metrics["all"]["pictures"] == len(by_split(read_dataset([workshop.data]))["test"])
    assert metrics["folders"].keys() == {"data"}
    assert metrics["all"]["accuracy"] == 1


def test_the_golden_pictures_are_copied_and_rightly_answered(tiny_source: ModelBundle, workshop: Any) -> None:
    golden = {each.file: each.probabilities for each in tiny_source.manifest.golden}

    assert golden.keys() == {"golden/blue-2-0.bmp", "golden/red-2-0.bmp"}
    assert golden["golden/blue-2-0.bmp"][0] > 0.5
    assert golden["golden/red-2-0.bmp"][1] > 0.5
    copy, original = tiny_source.folder / "golden/red-2-0.bmp", workshop.golden / "red/2-0.bmp"
    assert copy.read_bytes() == original.read_bytes()


def test_the_card_is_the_manifests(tiny_source: ModelBundle) -> None:
    assert "# tiny 0.1.0" in (tiny_source.folder / CARD).read_text()


def test_the_same_seed_and_data_give_the_same_weights(
    tiny_source: ModelBundle, workshop: Any, tmp_path: Path
) -> None:
    recipe = Recipe(name="tiny", version="0.1.0", backbone=workshop.backbone, seed=3)
    (tmp_path / "pyproject.toml").write_text("what was there before")

    again = train_bundle(recipe, [workshop.data], workshop.golden, tmp_path)

    first, second = (
        keras.saving.load_model(bundle.folder / "model.keras").get_weights()
        for bundle in (tiny_source, again)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert (tmp_path / "pyproject.toml").exists()


@pytest.fixture
def train(workshop: Any, tmp_path: Path) -> Callable[[Path], ModelBundle]:
    recipe = Recipe(name="tiny", version="0.1.0", backbone=workshop.backbone, seed=0)
    return lambda data: train_bundle(replace(recipe), [data], workshop.golden, tmp_path / "out")


def test_a_single_class_is_no_choice(
    train: Callable[[Path], ModelBundle], pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", 20, seed=1, labels=("red",))

    with pytest.raises(
        InvalidDataset, match="Only the class 'red' was found; a classifier needs at least two"
    ):
        train(data)


@pytest.mark.parametrize(
    ("counts_and_seeds", "reason"),
    [
        (
            {"red": (40, 1), "blue": (1, 3)},
            "No picture of 'blue' falls on the side 'train'; add more pictures",
        ),
        (
            {"red": (40, 1), "green": (1, 14), "blue": (40, 2)},
            "No picture of 'green' falls on the side 'train'",
        ),
        ({"red": (2, 2), "blue": (2, 0)}, "No picture falls on the side 'calibration'"),
    ],
)
def test_a_side_of_the_split_without_what_it_needs_is_named(
    train: Callable[[Path], ModelBundle],
    pictures: Callable[..., Path],
    tmp_path: Path,
    counts_and_seeds: dict[str, tuple[int, int]],
    reason: str,
) -> None:
    # what a seed draws is on the same side every time
    for label, (count, seed) in counts_and_seeds.items():
        pictures(tmp_path / "data", count, seed, labels=(label,))

    with pytest.raises(InvalidDataset, match=reason):
        train(tmp_path / "data")
