from pathlib import Path

import pytest
import yaml

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration
from muffin_v_chihuahua_ml_service.training.config import TrainingConfig


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "training.yaml"
    path.write_text(content)
    return path


def test_everything_has_a_default() -> None:
    config = TrainingConfig.read(None)

    assert config.fine_tuning is not None
    assert config.fine_tuning.after == "block10_add"
    assert config.name is None


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert TrainingConfig.read(written(tmp_path, "# nothing yet\n")) == TrainingConfig.read(None)


def test_the_file_counts_and_an_option_counts_more(tmp_path: Path) -> None:
    path = written(tmp_path, yaml.safe_dump({"name": "folds", "seed": 1, "fine_tuning": {"epochs": 3}}))

    config = TrainingConfig.read(path, seed=7, version=None)

    assert (config.name, config.seed, config.version) == ("folds", 7, "0.1.0")
    assert config.fine_tuning is not None
    assert (config.fine_tuning.epochs, config.fine_tuning.views) == (3, TrainingConfig().fine_tuning.views)  # type: ignore[union-attr]


def test_null_stops_after_the_probe(tmp_path: Path) -> None:
    assert TrainingConfig.read(written(tmp_path, "fine_tuning: null")).fine_tuning is None


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "backbone.keras").touch()
    path = written(tmp_path, "{golden: pictures, corrections: c.csv, backbone: backbone.keras}")

    config = TrainingConfig.read(path)

    assert config.golden == tmp_path / "pictures"
    assert config.corrections == tmp_path / "c.csv"
    assert config.backbone == str(tmp_path / "backbone.keras")


def test_a_backbone_that_is_no_file_there_is_a_source(tmp_path: Path) -> None:
    path = written(tmp_path, "backbone: muffin-v-chihuahua")

    assert TrainingConfig.read(path).backbone == "muffin-v-chihuahua"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("seed: -1", "seed: Input should be greater than or equal to 0"),
        ("sead: 1", "sead: Extra inputs are not permitted"),
        ("fine_tuning: {epoch: 1}", r"fine_tuning\.epoch: Extra inputs"),
        ("- seed", "expected names with values"),
        ("seed: [", "the configuration cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_one_sentence_with_its_name(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = written(tmp_path, content)

    with pytest.raises(InvalidConfiguration, match=f"training.yaml: .*{reason}") as caught:
        TrainingConfig.read(path)

    assert "\n" not in str(caught.value)


def test_an_option_that_makes_no_sense_is_one_sentence() -> None:
    with pytest.raises(InvalidConfiguration, match="The options: seed"):
        TrainingConfig.read(None, seed=-1)
