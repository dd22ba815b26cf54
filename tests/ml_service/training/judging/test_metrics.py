from pathlib import Path

import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.metrics import measure, measure_between, measure_folders

LABELS = ["a", "b", "c"]
ANSWERS = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.4, 0.35, 0.25], [0.1, 0.2, 0.7]], dtype=np.float32
)
TRUTHS = np.array([0, 1, 1, 1, 0])


def test_accuracy_precision_and_recall_are_those_of_the_winner() -> None:
    measures = measure(ANSWERS, TRUTHS, LABELS)

    assert measures["pictures"] == 5
    assert measures["accuracy"] == pytest.approx(2 / 5)
    assert measures["labels"] == {
        "a": {"pictures": 2, "precision": pytest.approx(1 / 3), "recall": pytest.approx(1 / 2)},
        "b": {"pictures": 3, "precision": 1.0, "recall": pytest.approx(1 / 3)},
        "c": {"pictures": 0, "precision": 0.0, "recall": 0.0},
    }


def test_each_folder_is_measured_for_itself_and_all_together() -> None:
    samples = [
        Sample(Path(f"{folder}/{LABELS[truth]}/x.png"), LABELS[truth], folder, "test", "00")
        for folder, truth in zip("nnmmm", TRUTHS, strict=True)
    ]

    measures = measure_folders(ANSWERS, samples, LABELS)

    assert measures["all"] == measure(ANSWERS, TRUTHS, LABELS)
    assert measures["folders"] == {
        "m": measure(ANSWERS[2:], TRUTHS[2:], LABELS),
        "n": measure(ANSWERS[:2], TRUTHS[:2], LABELS),
    }


@pytest.mark.parametrize(
    ("pair", "pictures", "wrong"), [(("a", "b"), 5, 3), (("b", "a"), 5, 3), (("a", "c"), 2, 1)]
)
def test_between_two_labels_only_their_own_pictures_and_probabilities_count(
    pair: tuple[str, str], pictures: int, wrong: int
) -> None:
    # a against b: the second and the fourth picture are b, and the fifth is a, with the other one ahead
    assert measure_between(ANSWERS, TRUTHS, LABELS, pair) == {
        "pair": list(pair),
        "pictures": pictures,
        "wrong": wrong,
        "accuracy": pytest.approx(1 - wrong / pictures),
    }
