"""The head: multinomial logistic regression on features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

INVERSE_REGULARISATION = 1e-3
"""scikit-learn's C; of 1e-4, 1e-3 and 1e-2 the one that keeps most of the default model's negatives."""

_SMALLEST_SCALE = 1e-3
"""Features that hardly vary are not blown up beyond a thousandth of their scale."""


@dataclass(frozen=True)
class Head:
    """A linear layer on raw features."""

    kernel: NDArray[np.float32]
    """[channels, labels]"""
    bias: NDArray[np.float32]
    """[labels]"""

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [N, labels] before the temperature, for features [N, channels]."""
        return features @ self.kernel + self.bias


def fit_head(features: NDArray[np.float32], classes: NDArray[np.int64]) -> Head:
    """Fit on features [N, channels] with their classes [N]; few of a class count as much as many."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + _SMALLEST_SCALE
    regression = LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=500)
    regression.fit((features - mean) / scale, classes)
    coefficients, intercepts = _one_row_a_class(regression)
    kernel = (coefficients / scale).T
    return Head(kernel.astype(np.float32), (intercepts - mean @ kernel).astype(np.float32))


def _one_row_a_class(regression: LogisticRegression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(regression.classes_) > 2:  # noqa: PLR2004 - with two classes, scikit-learn keeps the second's row only
        return regression.coef_, regression.intercept_
    row, intercept = regression.coef_[0] / 2, regression.intercept_[0] / 2
    return np.stack([-row, row]), np.array([-intercept, intercept])
