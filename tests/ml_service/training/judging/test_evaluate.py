from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Split, by_split, read_dataset
from muffin_v_chihuahua_ml_service.training.judging.evaluate import evaluate


@pytest.fixture(scope="module")
def predictor(tiny_bundle: ModelBundle) -> Predictor:
    return load_predictor(tiny_bundle, "litert", threads=2)


def test_what_serves_measures_as_training_did(predictor: Predictor, workshop: Any) -> None:
    measured = evaluate(predictor, [workshop.data], "test")

    assert measured == predictor.bundle.manifest.metrics


@pytest.mark.parametrize("split", ["train", "validation", "calibration", "test", None])
def test_only_the_side_asked_for_is_measured(
    predictor: Predictor, workshop: Any, split: Split | None
) -> None:
    samples = read_dataset([workshop.data])
    expected = len(samples) if split is None else len(by_split(samples)[split])

    measured = evaluate(predictor, [workshop.data], split)

    assert measured["split"] == (split or "all")
    assert measured["all"]["pictures"] == expected


def test_two_labels_are_told_from_each_other(predictor: Predictor, workshop: Any) -> None:
    measured = evaluate(predictor, [workshop.data], None, ("red", "blue"))

    assert measured["between"] == {"pair": ["red", "blue"], "pictures": 80, "wrong": 0, "accuracy": 1}


def test_a_label_that_the_model_does_not_know_is_refused(
    predictor: Predictor, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path, 1, seed=1, labels=("green", "red"))

    with pytest.raises(InvalidDataset, match="The model knows blue, red, but the data has green"):
        evaluate(predictor, [data], None)


def test_a_pair_that_the_model_does_not_know_is_refused(predictor: Predictor, workshop: Any) -> None:
    with pytest.raises(InvalidDataset, match="The model knows blue, red, not green"):
        evaluate(predictor, [workshop.data], None, ("red", "green"))


def test_a_side_without_pictures_is_refused(
    predictor: Predictor, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path, 1, seed=1)
    empty = next(side for side, samples in by_split(read_dataset([data])).items() if not samples)

    with pytest.raises(InvalidDataset, match=f"no pictures on the side '{empty}'"):
        evaluate(predictor, [data], empty)
