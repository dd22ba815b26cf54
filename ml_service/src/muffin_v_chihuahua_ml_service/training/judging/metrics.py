"""What a bundle's answers are worth on labelled pictures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from .answers import Answers
from .calibration import (
    calibration_error,
    coverage_curve,
    negative_log_likelihood,
    reliability,
    verdict_measures,
)
from .proportions import share


def measure_folders(answers: Answers) -> dict[str, Any]:
    """The measures of all answers, and of those to each data folder."""
    folders = np.array([sample.folder for sample in answers.samples])
    return {
        "all": measure(answers),
        "folders": {str(folder): measure(answers.only(folders == folder)) for folder in np.unique(folders)},
    }


def measure(answers: Answers) -> dict[str, Any]:
    """How right the winner is, how honest its probability, and what the verdicts are worth.

    Every share has its 95 % interval beside it; a share of nothing is None. ``confusion`` has a row for what
    the pictures show and a column for what won, both in the order of the labels.
    """
    each = np.arange(len(answers.labels))
    counts = confusion_matrix(answers.truths, answers.winners, labels=each)
    return {
        "pictures": len(answers.samples),
        **share("accuracy", int(answers.right.sum()), len(answers.samples)),
        "labels": {label: _of_label(counts, index) for index, label in enumerate(answers.labels)},
        "confusion": counts.tolist(),
        "ece": calibration_error(answers),
        "nll": negative_log_likelihood(answers),
        "verdicts": verdict_measures(answers),
        "coverage": coverage_curve(answers),
        "reliability": reliability(answers),
    }


def _of_label(counts: NDArray[np.int64], index: int) -> dict[str, Any]:
    pictures, won, right = (
        int(number) for number in (counts[index].sum(), counts[:, index].sum(), counts[index, index])
    )
    return {
        "pictures": pictures,
        "won": won,
        **share("precision", right, won),
        **share("recall", right, pictures),
    }


def measure_between(answers: Answers, pair: tuple[str, str]) -> dict[str, Any]:
    """How often the right one of two labels has the higher probability, on the pictures of these two."""
    first, second = (answers.labels.index(label) for label in pair)
    theirs = answers.only(np.isin(answers.truths, (first, second)))
    chose_first = theirs.probabilities[:, first] >= theirs.probabilities[:, second]
    right = int((chose_first == (theirs.truths == first)).sum())
    pictures = len(theirs.samples)
    return {
        "pair": list(pair),
        "pictures": pictures,
        "wrong": pictures - right,
        **share("accuracy", right, pictures),
    }
