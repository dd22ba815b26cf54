from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration, InvalidDataset
from muffin_v_chihuahua_ml_service.model.bundle import CARD, ModelBundle
from muffin_v_chihuahua_ml_service.model.preprocessing import array_digest, preprocess
from muffin_v_chihuahua_ml_service.training.data.dataset import by_split, fingerprint, read_dataset
from muffin_v_chihuahua_ml_service.training.networks.keras_file import save_reproducibly
from muffin_v_chihuahua_ml_service.training.train import find_wrong_labels, train_bundle


def test_the_manifest_says_what_was_made_of_what(tiny_source: ModelBundle, workshop: Any) -> None:
    manifest, samples = tiny_source.manifest, read_dataset([workshop.data])

    assert (manifest.name, manifest.version) == ("tiny", "0.1.0")
    assert manifest.labels == ("blue", "red")
    assert manifest.artefacts == {"tensorflow": "model.keras"}
    assert manifest.training["seed"] == 3
    assert manifest.training["dataset_fingerprint"] == f"sha256:{fingerprint(samples)}"
    assert manifest.training["pictures"] == {side: len(found) for side, found in by_split(samples).items()}
    assert manifest.training["libraries"]["keras"] == keras.__version__
    assert manifest.training["recipe"]["fine_tuning"]["after"] == "pooled"
    [account] = manifest.training["seeds"]
    assert [epoch["number"] for epoch in account["epochs"]] == [0, 1]


def test_the_manifest_says_what_a_verdict_and_the_unfamiliar_rest_on(
    tiny_source: ModelBundle, workshop: Any
) -> None:
    calibration = tiny_source.manifest.calibration
    pictures = by_split(read_dataset([workshop.data]))["calibration"]

    assert calibration.coverage == 0.5
    assert {label: each.pictures for label, each in calibration.thresholds.items()} == {
        label: sum(sample.label == label for sample in pictures) for label in ("blue", "red")
    }
    assert all(0.5 < each.at_least < 1 for each in calibration.thresholds.values())
    assert calibration.familiarity is not None
    assert calibration.familiarity.bank == 20
    assert {label: each.pictures for label, each in calibration.familiarity.classes.items()} == {
        label: sum(sample.label == label for sample in pictures) for label in ("blue", "red")
    }


def test_the_metrics_are_those_of_the_test_side(tiny_source: ModelBundle, workshop: Any) -> None:
    metrics = tiny_source.manifest.metrics

    assert metrics["split"] == "test"
    assert metrics["all"]["pictures"] == len(by_split(read_dataset([workshop.data]))["test"])
    assert metrics["folders"].keys() == {"data"}
    assert metrics["all"]["accuracy"] == 1


def test_the_golden_pictures_are_copied_named_and_rightly_answered(
    tiny_source: ModelBundle, workshop: Any
) -> None:
    golden = {each.file: each for each in tiny_source.manifest.golden}

    assert golden.keys() == {"golden/blue-2-0.bmp", "golden/red-2-0.bmp"}
    for file, index in (("golden/blue-2-0.bmp", 0), ("golden/red-2-0.bmp", 1)):
        array = preprocess((tiny_source.folder / file).read_bytes(), tiny_source.manifest.preprocessing)
        assert golden[file].label == tiny_source.manifest.labels[index]
        assert golden[file].probabilities[index] > 0.5
        assert golden[file].array_sha256 == array_digest(array)
    copy, original = tiny_source.folder / "golden/red-2-0.bmp", workshop.golden / "red/2-0.bmp"
    assert copy.read_bytes() == original.read_bytes()


def test_the_card_is_the_manifests(tiny_source: ModelBundle) -> None:
    assert "# tiny 0.1.0" in (tiny_source.folder / CARD).read_text()


def weights_digest(bundle: ModelBundle) -> str:
    return bundle.manifest.files["model.keras"].sha256


def test_the_same_seed_and_data_give_the_same_weights_to_the_byte(
    tiny_source: ModelBundle, tiny_config: Any, workshop: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pyproject.toml").write_text("what was there before")

    again = train_bundle(tiny_config, [workshop.data], tmp_path / "out", tmp_path / "work")
    other_seed = tiny_config.model_copy(update={"seed": 4})
    another = train_bundle(other_seed, [workshop.data], tmp_path / "another", tmp_path / "work")

    assert weights_digest(again) == weights_digest(tiny_source)
    assert again.digest == tiny_source.digest or again.manifest.metrics != tiny_source.manifest.metrics
    assert weights_digest(another) != weights_digest(tiny_source)
    assert (tmp_path / "out" / "pyproject.toml").exists()


class Interrupted(BaseException):
    pass


def test_an_interrupted_training_goes_on_and_ends_the_same(
    tiny_source: ModelBundle, tiny_config: Any, workshop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muffin_v_chihuahua_ml_service.training.networks.fine_tuning import Trainer  # noqa: PLC0415

    work, save = tmp_path / "work", Trainer._save  # the moment after an epoch is where Ctrl-C is simulated

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        raise Interrupted

    monkeypatch.setattr(Trainer, "_save", save_and_stop)
    with pytest.raises(Interrupted):
        train_bundle(tiny_config, [workshop.data], tmp_path / "out", work)
    monkeypatch.setattr(Trainer, "_save", save)
    there = {path: path.stat().st_mtime_ns for path in work.rglob("*.npy")}

    ended = train_bundle(tiny_config, [workshop.data], tmp_path / "out", work)

    assert weights_digest(ended) == weights_digest(tiny_source)
    assert there.items() <= {path: path.stat().st_mtime_ns for path in work.rglob("*.npy")}.items()


def test_of_several_seeds_the_best_on_the_validation_side_is_kept(
    tiny_config: Any, workshop: Any, tmp_path: Path
) -> None:
    config = tiny_config.model_copy(update={"seeds": 2, "bank": 0, "fine_tuning": None})

    bundle = train_bundle(config, [workshop.data], tmp_path / "out", tmp_path / "work")

    accounts = bundle.manifest.training["seeds"]
    assert [each["seed"] for each in accounts] == [3, 4]
    best = min(accounts, key=lambda each: each["validation_loss"])
    assert bundle.manifest.training["seed"] == best["seed"]
    assert bundle.manifest.calibration.familiarity is None


def test_a_bundle_can_be_what_another_starts_from(
    tiny_source: ModelBundle, tiny_config: Any, workshop: Any, tmp_path: Path
) -> None:
    config = tiny_config.model_copy(
        update={"backbone": str(tiny_source.folder), "golden": None, "name": None}
    )

    bundle = train_bundle(config, [workshop.data], tmp_path / "offspring", tmp_path / "work")

    assert bundle.manifest.name == "offspring"
    assert bundle.manifest.metrics["all"]["accuracy"] == 1
    assert {each.file for each in bundle.manifest.golden} == {
        f"golden/{name}.png" for name in ("gradient", "rings", "stripes", "blots")
    }


def test_corrections_change_labels_and_leave_pictures_out(
    tiny_config: Any, workshop: Any, tmp_path: Path
) -> None:
    reds = [sample for sample in read_dataset([workshop.data]) if sample.label == "red"]
    path = tmp_path / "corrections.csv"
    path.write_text(f"sha256,label\n{reds[0].sha256},blue\n{reds[1].sha256},\n")
    config = tiny_config.model_copy(update={"corrections": path, "fine_tuning": None, "bank": 0})

    bundle = train_bundle(config, [workshop.data], tmp_path / "out", tmp_path / "work")

    assert sum(bundle.manifest.training["pictures"].values()) == 79
    suspects = find_wrong_labels(config, [workshop.data], tmp_path / "work")
    assert [(each.sample.sha256, each.suggested) for each in suspects] == [(reds[0].sha256, "red")]


@pytest.fixture
def train(tiny_config: Any, tmp_path: Path) -> Callable[..., ModelBundle]:
    def run(data: Path, **changes: Any) -> ModelBundle:
        config = tiny_config.model_copy(update=changes)
        return train_bundle(config, [data], tmp_path / "out", tmp_path / "work")

    return run


def test_a_single_class_is_no_choice(
    train: Callable[..., ModelBundle], pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", 20, seed=1, labels=("red",))

    with pytest.raises(
        InvalidDataset, match="Only the class 'red' was found; a classifier needs at least two"
    ):
        train(data)


def test_a_negative_class_that_is_not_there_is_named(
    train: Callable[..., ModelBundle], workshop: Any
) -> None:
    with pytest.raises(InvalidDataset, match="The class 'other', named as `negative`, was not found"):
        train(workshop.data, negative="other")


def test_a_layer_that_the_backbone_does_not_have_is_named(
    train: Callable[..., ModelBundle], tiny_config: Any, workshop: Any
) -> None:
    elsewhere = tiny_config.fine_tuning.model_copy(update={"after": "nowhere"})

    with pytest.raises(
        InvalidConfiguration, match=r"fine_tuning\.after: the backbone has no layer 'nowhere'"
    ):
        train(workshop.data, fine_tuning=elsewhere)


def test_a_backbone_without_features_is_refused(
    train: Callable[..., ModelBundle], workshop: Any, tmp_path: Path
) -> None:
    inputs = keras.Input((224, 224, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "other.keras")

    with pytest.raises(InvalidConfiguration, match=r"other\.keras: a backbone needs a layer .* 'features'"):
        train(workshop.data, backbone=str(tmp_path / "other.keras"))


def test_a_backbone_that_is_nowhere_is_named(train: Callable[..., ModelBundle], workshop: Any) -> None:
    with pytest.raises(
        InvalidConfiguration, match=r"backbone: a Keras file or a model is needed to start from\. 'nowhere'"
    ):
        train(workshop.data, backbone="nowhere")


def test_a_bundle_without_keras_weights_is_no_backbone(
    train: Callable[..., ModelBundle], fake_bundle: Callable[..., ModelBundle], workshop: Any
) -> None:
    bundle = fake_bundle(artefacts={"litert": "model.tflite"})

    with pytest.raises(InvalidConfiguration, match="has no Keras weights to start from"):
        train(workshop.data, backbone=str(bundle.folder))


def test_a_folder_of_golden_pictures_without_any_is_named(
    train: Callable[..., ModelBundle], workshop: Any, tmp_path: Path
) -> None:
    with pytest.raises(InvalidDataset, match="empty: expected a folder for each class"):
        train(workshop.data, golden=tmp_path / "empty", fine_tuning=None)


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
        ({"red": (2, 2), "blue": (2, 0)}, "No picture falls on the side 'validation'"),
    ],
)
def test_a_side_of_the_split_without_what_it_needs_is_named(
    train: Callable[..., ModelBundle],
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


def test_the_weights_file_follows_from_the_network_alone(tiny_source: ModelBundle, tmp_path: Path) -> None:
    weights = tiny_source.folder / "model.keras"

    save_reproducibly(keras.saving.load_model(weights), tmp_path / "again.keras")

    assert (tmp_path / "again.keras").read_bytes() == weights.read_bytes()
