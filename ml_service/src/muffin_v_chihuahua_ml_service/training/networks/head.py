"""The head: multinomial logistic regression on features, with a temperature fitted afterwards."""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

INVERSE_REGULARISATION = 0.01
"""scikit-learn's C; the best of 1e-4, 1e-3 and 1e-2 on the validation split of the default model's data."""

PRIOR_SPREAD = 0.5
"""Standard deviation of the temperature's logarithm before a picture is seen; hundreds outweigh it."""

_SMALLEST_SCALE = 1e-3
"""Features that hardly vary are not blown up beyond a thousandth of their scale."""


@dataclass(frozen=True)
class Head:
    """A linear layer on raw features, and the temperature that its logits are divided by."""

    kernel: NDArray[np.float32]
    """[channels, labels]"""
    bias: NDArray[np.float32]
    """[labels]"""
    temperature: float = 1.0

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [N, labels] before the temperature, for features [N, channels]."""
        return features @ self.kernel + self.bias


def fit_head(features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> Head:
    """Fit on features [N, channels] with their classes [N]; few of a class count as much as many."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + _SMALLEST_SCALE
    regression = LogisticRegression(
        C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=500, random_state=seed
    )
    regression.fit((features - mean) / scale, classes)
    coefficients, intercepts = _one_row_a_class(regression)
    kernel = (coefficients / scale).T
    return Head(kernel.astype(np.float32), (intercepts - mean @ kernel).astype(np.float32))


def _one_row_a_class(regression: LogisticRegression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(regression.classes_) > 2:  # noqa: PLR2004 - with two classes, scikit-learn keeps the second's row only
        return regression.coef_, regression.intercept_
    row, intercept = regression.coef_[0] / 2, regression.intercept_[0] / 2
    return np.stack([-row, row]), np.array([-intercept, intercept])


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


def with_head(network: keras.Model, head: Head) -> keras.Model:
    """The network with the head on it: pictures to probabilities float32 [N, labels]."""
    dense = keras.layers.Dense(len(head.bias), name="logits")
    logits = dense(network.output)
    calibrated = keras.layers.Rescaling(1 / head.temperature, name="temperature")(logits)
    probabilities = keras.layers.Softmax(name="probabilities")(calibrated)
    dense.set_weights([head.kernel, head.bias])
    return keras.Model(network.input, probabilities)
