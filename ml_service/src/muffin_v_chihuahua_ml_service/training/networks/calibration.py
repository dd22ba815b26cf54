"""What makes probabilities honest: a temperature, and a threshold for each class with its coverage."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ...model.bundle import Threshold

PRIOR_SPREAD = 0.5
"""Standard deviation of the temperature's logarithm before a picture is seen; hundreds outweigh it."""


def negative_log_likelihood(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> np.float32:
    """The mean over pictures with logits [N, labels] that show ``classes`` [N]."""
    scores = log_softmax(logits, axis=1)
    return np.float32(-scores[np.arange(len(classes)), classes].mean())


def fit_temperature(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, arXiv 1706.04599).

    With a weak prior around 1: a few pictures that are all right would otherwise make it certain.

    Args:
        logits: [N, labels], before the temperature.
        classes: [N], what the pictures show.
    """

    def cost(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=1)
        likelihood = float(scores[np.arange(len(classes)), classes].sum())
        return (log_temperature / PRIOR_SPREAD) ** 2 / 2 - likelihood

    return float(np.exp(minimize_scalar(cost, bounds=(-3, 3), method="bounded").x))


def conformal_thresholds(
    probabilities: NDArray[np.float32], classes: NDArray[np.int64], labels: Sequence[str], coverage: float
) -> dict[str, Threshold]:
    """Split conformal prediction by class (Vovk 2012, arXiv 1209.2673; Angelopoulos and Bates, 2107.07511).

    A new picture of a class gives its true label at least the class's threshold with probability ``coverage``
    or more, as long as it is like the calibration pictures. With too few of a class for that promise, its
    threshold is 0.

    Args:
        probabilities: [N, labels] of the calibration pictures.
        classes: [N], what they show.
        labels: the classes' names.
        coverage: in (0, 1).
    """
    return {
        label: Threshold(at_least=_quantile(own, coverage), pictures=len(own))
        for index, label in enumerate(labels)
        if len(own := probabilities[classes == index, index])
    }


def _quantile(own: NDArray[np.float32], coverage: float) -> float:
    # The k-th smallest of n, so that n + 1 - k of n + 1 exchangeable pictures lie at it or above.
    k = math.floor((len(own) + 1) * (1 - coverage) + 1e-9)
    return float(np.sort(own)[k - 1]) if k > 0 else 0.0
