"""How a network knows that a picture is unlike all that it learnt of a class, and says so in its answer.

The cosine similarity of a picture's features to the tenth nearest of some training pictures of the class (Sun
et al. 2022, "Out-of-distribution detection with deep nearest neighbors", arXiv 2204.06507). It is computed
inside the network, so every engine gives it and no service has to know of it.
"""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from ...model.bundle import ClassFamiliarity, Familiarity

NEIGHBOURS = 10
"""Class by class, it told every page of text from the default model's chihuahuas. Over all classes together
no score did: not the nearest, not Mahalanobis distances, nor what the principal components leave out."""

_SHARE_LEFT_ALONE = 0.99
"""Of a class's pictures like the calibration ones, so many keep their probability as it is."""

_EDGE = 0.95
"""Between this share and the one above lies the edge of the familiar; it fades over as much again."""


_LEAST_SHARE = 0.05
"""So much of its probability a class keeps, that of two unfamiliar ones the likelier still has more."""


def choose_bank(
    features: NDArray[np.float32], classes: NDArray[np.int64], known: Sequence[int], size: int, seed: int
) -> NDArray[np.float32]:
    """Features of unit length [known, size // known, channels], by chance from those of each class.

    Args:
        features: [N, channels] of training pictures.
        classes: [N], what they show; there are some of each.
        known: the classes to remember; one with too few pictures is remembered several times.
        size: how many to remember of all classes together; at least one of each is.
        seed: of the chance.
    """
    rng = np.random.default_rng(seed)
    each = max(1, size // len(known))
    chosen = [np.resize(rng.permutation(np.flatnonzero(classes == index)), each) for index in known]
    return _unit(features[np.stack(chosen)])


def similarities(features: NDArray[np.float32], bank: NDArray[np.float32]) -> NDArray[np.float32]:
    """How familiar features [N, channels] are as each class of the bank: [N, classes], at most 1."""
    nearest_last = np.sort(np.einsum("nf,cbf->ncb", _unit(features), bank), axis=2)
    return np.asarray(nearest_last[:, :, -neighbours(bank)], dtype=np.float32)


def neighbours(bank: NDArray[np.float32]) -> int:
    """How many have to be near; all, where fewer than ten of a class are remembered."""
    return min(NEIGHBOURS, int(bank.shape[1]))


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(features / np.linalg.norm(features, axis=-1, keepdims=True), dtype=np.float32)


def fit_familiarity(  # noqa: PLR0913, PLR0917 - what it is fitted to, and what it is called
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    bank: NDArray[np.float32],
    known: Sequence[int],
    labels: Sequence[str],
    becomes: str | None,
) -> Familiarity:
    """Where a class's probability begins and ends to fade, from the features [N, channels] of its pictures.

    A class without calibration pictures never fades.
    """
    scores = similarities(features, bank)
    found = {
        labels[index]: _edge(scores[classes == index, place])
        for place, index in enumerate(known)
        if (classes == index).any()
    }
    return Familiarity(
        layer="features",
        bank=bank.shape[0] * bank.shape[1],
        neighbours=neighbours(bank),
        becomes=becomes,
        classes=found,
    )


def _edge(scores: NDArray[np.float32]) -> ClassFamiliarity:
    low, high = np.quantile(scores, [1 - _SHARE_LEFT_ALONE, 1 - _EDGE])
    below = float(low - max(high - low, 1e-3))
    return ClassFamiliarity(familiar_from=float(low), unknown_below=max(-1.0, below), pictures=len(scores))


def with_familiarity(
    probabilities: keras.KerasTensor,
    features: keras.KerasTensor,
    bank: NDArray[np.float32],
    familiarity: Familiarity,
    labels: Sequence[str],
) -> keras.KerasTensor:
    """The probabilities [N, labels], less for labels as which the features [N, channels] are unfamiliar."""
    classes, each, channels = bank.shape
    nearest = keras.layers.Dense(classes * each, use_bias=False, name="similarities")
    x = nearest(keras.layers.UnitNormalization(name="unit_features")(features))
    x = keras.layers.Reshape((classes, each), name="bank")(x)
    x = keras.ops.top_k(x, familiarity.neighbours)[0][:, :, -1]
    share = keras.layers.Dense(len(labels), name="familiarity")
    known = keras.layers.ReLU(max_value=1.0, name="known")(share(x))
    known = keras.layers.Rescaling(1 - _LEAST_SHARE, offset=_LEAST_SHARE, name="known_share")(known)
    kept = keras.layers.Multiply(name="as_known")([probabilities, known])
    lost = keras.layers.Subtract(name="as_unknown")([probabilities, kept])
    spread = keras.layers.Dense(len(labels), use_bias=False, name="otherwise")
    # rounding may make a sum of 1 a little more than that
    total = keras.layers.Add(name="sum")([kept, spread(lost)])
    answer = keras.layers.ReLU(max_value=1.0, name="probabilities")(total)
    nearest.set_weights([bank.reshape(-1, channels).T])
    share.set_weights(_line(familiarity, labels))
    spread.set_weights([np.tile(_answer_to_the_unknown(familiarity.becomes, labels), (len(labels), 1))])
    return answer


def _line(familiarity: Familiarity, labels: Sequence[str]) -> list[NDArray[np.float32]]:
    """From the similarity to each class of the bank to each label's share: 0 is unknown, 1 is familiar."""
    remembered = [label for label in labels if label != familiarity.becomes]
    kernel = np.zeros((len(remembered), len(labels)), dtype=np.float32)
    bias = np.ones(len(labels), dtype=np.float32)
    for place, label in enumerate(remembered):
        if edge := familiarity.classes.get(label):
            width = edge.familiar_from - edge.unknown_below
            kernel[place, labels.index(label)] = 1 / width
            bias[labels.index(label)] = -edge.unknown_below / width
    return [kernel, bias]


def _answer_to_the_unknown(becomes: str | None, labels: Sequence[str]) -> NDArray[np.float32]:
    if becomes is None:
        return np.full(len(labels), 1 / len(labels), dtype=np.float32)
    return np.array([float(label == becomes) for label in labels], dtype=np.float32)
