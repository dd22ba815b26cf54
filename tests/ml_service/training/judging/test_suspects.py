import csv
from pathlib import Path

import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.training.data.corrections import read_corrections
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.suspects import find_suspects, write_suspects

LABELS = ("cat", "dog")


def sample(number: int, label: str) -> Sample:
    digest = f"{number:064x}"
    return Sample(Path(f"{number}.jpg"), label, "photos", "train", digest, digest)


def cats_and_dogs() -> tuple[np.ndarray, list[Sample]]:
    """Forty of each, well apart; the labels of the fourth and the fiftieth are swapped."""
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1], 40)
    features = np.stack([classes * 4.0, np.zeros(80)], axis=1) + rng.normal(0, 0.5, (80, 2))
    labels = [LABELS[index] for index in classes]
    labels[3], labels[49] = "dog", "cat"
    return features.astype(np.float32), [sample(number, label) for number, label in enumerate(labels)]


def test_wrong_labels_are_suspected_and_right_ones_are_not() -> None:
    features, samples = cats_and_dogs()

    suspects = find_suspects([features], samples, LABELS)

    assert {(each.sample.path.name, each.suggested) for each in suspects} == {
        ("3.jpg", "cat"),
        ("49.jpg", "dog"),
    }
    assert all(each.probability_found < 0.5 for each in suspects)
    assert suspects[0].probability_found <= suspects[1].probability_found


def test_a_near_duplicate_does_not_vouch_for_a_wrong_label() -> None:
    features, samples = cats_and_dogs()
    twins = [
        Sample(each.path, each.label, each.folder, "train", f"{i:064x}", samples[3].group)
        for i, each in enumerate([samples[3]] * 8, start=100)
    ]

    suspects = find_suspects(
        [np.concatenate([features, np.repeat(features[3:4], 8, axis=0)])], [*samples, *twins], LABELS
    )

    assert sum(each.sample.path.name == "3.jpg" for each in suspects) == 9


def test_too_few_of_a_class_cannot_be_judged() -> None:
    features, samples = cats_and_dogs()

    with pytest.raises(InvalidDataset, match="A class has only 4 pictures; to find suspects takes 5"):
        find_suspects([features[37:]], samples[37:], LABELS)


def test_the_list_is_a_file_of_corrections_that_changes_nothing_yet(tmp_path: Path) -> None:
    features, samples = cats_and_dogs()
    path = tmp_path / "new" / "suspects.csv"

    write_suspects(find_suspects([features], samples, LABELS), path)

    by_digest = {each.sha256: each.label for each in samples}
    corrections = read_corrections(path)
    assert len(corrections) == 2
    assert all(by_digest[digest] == label for digest, label in corrections.items())
    with path.open(newline="") as file:
        assert {row["suggested"] for row in csv.DictReader(file)} == {"cat", "dog"}
