"""What a bundle's answers are worth on labelled pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_score, recall_score

from ..data.dataset import Sample, class_indices


def measure_folders(
    probabilities: NDArray[np.float32], samples: Sequence[Sample], labels: Sequence[str]
) -> dict[str, Any]:
    """The measures of all samples, and of those of each data folder.

    Args:
        probabilities: [N, labels].
        samples: N pictures with what they really show.
        labels: the classes' names.
    """
    classes = class_indices(samples, labels)
    folders = np.array([sample.folder for sample in samples])
    return {
        "all": measure(probabilities, classes, labels),
        "folders": {
            str(folder): measure(probabilities[folders == folder], classes[folders == folder], labels)
            for folder in np.unique(folders)
        },
    }


def measure(
    probabilities: NDArray[np.float32], classes: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, and for each label precision, recall and how many pictures it has, all of the winner.

    Args:
        probabilities: [N, labels].
        classes: [N], what the pictures really show.
        labels: the classes' names.
    """
    winners = probabilities.argmax(axis=1)
    each = np.arange(len(labels))
    precision = precision_score(classes, winners, labels=each, average=None, zero_division=0.0)
    recall = recall_score(classes, winners, labels=each, average=None, zero_division=0.0)
    return {
        "pictures": len(classes),
        "accuracy": float((winners == classes).mean()),
        "labels": {
            label: {
                "pictures": int((classes == index).sum()),
                "precision": float(precision[index]),
                "recall": float(recall[index]),
            }
            for index, label in enumerate(labels)
        },
    }


def measure_between(
    probabilities: NDArray[np.float32],
    classes: NDArray[np.int64],
    labels: Sequence[str],
    pair: tuple[str, str],
) -> dict[str, Any]:
    """How often the right one of two labels has the higher probability, on the pictures of these two."""
    first, second = (list(labels).index(label) for label in pair)
    of_the_pair = (classes == first) | (classes == second)
    chose_first = probabilities[of_the_pair, first] >= probabilities[of_the_pair, second]
    right = chose_first == (classes[of_the_pair] == first)
    return {
        "pair": list(pair),
        "pictures": len(right),
        "wrong": int((~right).sum()),
        "accuracy": float(right.mean()),
    }
