"""The whole network: backbone, head, temperature and familiarity, from pictures to honest probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from ...model.bundle import Familiarity
from .familiarity import with_familiarity
from .head import Head


@dataclass(frozen=True)
class Answer:
    """What turns features into probabilities."""

    head: Head
    temperature: float
    bank: NDArray[np.float32] | None = None
    """[classes, pictures of each, channels], of unit length."""
    familiarity: Familiarity | None = None

    def on(self, features: keras.KerasTensor, labels: Sequence[str]) -> keras.KerasTensor:
        """Probabilities [N, labels] for features [N, channels]; made of Keras's own layers only."""
        dense = keras.layers.Dense(len(labels), name="logits")
        x = keras.layers.Rescaling(1 / self.temperature, name="temperature")(dense(features))
        dense.set_weights([self.head.kernel, self.head.bias])
        if self.bank is None or self.familiarity is None:
            return keras.layers.Softmax(name="probabilities")(x)
        known = keras.layers.Softmax(name="if_known")(x)
        return with_familiarity(known, features, self.bank, self.familiarity, labels)


def classifier(backbone: keras.Model, answer: Answer, labels: Sequence[str]) -> keras.Model:
    """Pictures float32 [N, height, width, 3] in [0, 255] to probabilities float32 [N, labels]."""
    return keras.Model(backbone.input, answer.on(backbone.output, labels), name="classifier")


def probabilities(
    features: NDArray[np.float32], answer: Answer, labels: Sequence[str]
) -> NDArray[np.float32]:
    """What the classifier answers to pictures with these features [N, channels]."""
    inputs = keras.Input(features.shape[1:])
    model = keras.Model(inputs, answer.on(inputs, labels))
    answers: NDArray[np.float32] = model.predict(features, batch_size=256, verbose=0)
    return answers
