"""Whether probabilities can be believed, and how right the answers are where unsure ones are not given."""

from typing import Any

import numpy as np
from sklearn.metrics import log_loss

from .answers import Answers
from .proportions import share

BINS = 15
"""Of equal width; as many as in Guo et al. 2017, so that the number can be compared with others'."""

CURVE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Thresholds on the winner's probability: close together where good models spend their time."""


def calibration_error(answers: Answers) -> float:
    """Expected calibration error of the winner's probability (Guo et al. 2017, arXiv 1706.04599, equation 3).

    The mean distance between probability and accuracy over bins, each weighing as much as it has pictures.
    """
    distances = [
        each["pictures"] * abs(each["accuracy"] - each["probability"]) for each in reliability(answers)
    ]
    return float(sum(distances) / len(answers.samples))


def reliability(answers: Answers) -> list[dict[str, Any]]:
    """Mean probability of the winner and accuracy for each bin that has pictures."""
    bins = np.clip(np.ceil(answers.confidences * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return [
        {
            "from": float(number / BINS),
            "to": float((number + 1) / BINS),
            "pictures": int((bins == number).sum()),
            "probability": float(answers.confidences[bins == number].mean(dtype=np.float64)),
            **share("accuracy", int(answers.right[bins == number].sum()), int((bins == number).sum())),
        }
        for number in np.unique(bins)
    ]


def negative_log_likelihood(answers: Answers) -> float:
    """Mean negative logarithm of the probability that the right label got: in nats, 0 is perfect."""
    each = np.arange(len(answers.labels))
    return float(log_loss(answers.truths, answers.probabilities, labels=each))


def verdict_measures(answers: Answers) -> dict[str, Any]:
    """How many pictures get an answer at all, and how many of these get the right one."""
    answered, right = int(answers.answered.sum()), int((answers.answered & answers.right).sum())
    return {
        "answered_pictures": answered,
        **share("answered", answered, len(answers.samples)),
        **share("accuracy", right, answered),
    }


def coverage_curve(answers: Answers) -> list[dict[str, Any]]:
    """What would be answered, and how well, if one threshold stood for all labels: a point a threshold."""
    points = []
    for threshold in CURVE:
        above = answers.confidences >= threshold
        answered, right = int(above.sum()), int((above & answers.right).sum())
        points.append(
            {"at_least": threshold, "answered": answered / len(above), **share("accuracy", right, answered)}
        )
    return points
