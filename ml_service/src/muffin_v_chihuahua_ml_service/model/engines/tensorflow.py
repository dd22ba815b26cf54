"""TensorFlow, the reference: loads the Keras model that training wrote."""

import os
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..bundle import EngineName, Precision
from .chatter import without_chatter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what fails is raised
with without_chatter():
    import keras
    import tensorflow as tf


class TensorFlowEngine:
    """Runs a ``.keras`` file as one compiled graph."""

    name: Final[EngineName] = "tensorflow"
    precision: Final[Precision] = "f32"
    max_batch: Final = 4

    def __init__(self, artefact: Path, threads: int, streams: int) -> None:
        self.streams: Final = streams
        _limit_threads(threads * streams)
        self._model = keras.saving.load_model(artefact, compile=False)
        self._graph = _graph(self._model)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        probabilities: NDArray[np.float32] = self._graph(batch).numpy()
        return probabilities

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the last feature map float32 [N, height, width, channels]."""
        probabilities, features = self._explaining_graph(batch)
        return probabilities.numpy(), features.numpy()

    @cached_property
    def _explaining_graph(self) -> Any:
        return _graph(with_features(self._model))


def with_features(network: keras.Model) -> keras.Model:
    """The network with its last feature map as a second output, where ``head_of`` finds its head."""
    head = head_of(network)
    if head is None:
        return network
    return keras.Model(network.input, [network.output, head.pooling.input], name=network.name)


@dataclass(frozen=True)
class Head:
    """The end of a network: the mean of the last feature map over all places, and a logit for each label."""

    pooling: keras.layers.GlobalAveragePooling2D
    dense: keras.layers.Dense


def head_of(network: keras.Model) -> Head | None:
    """The head of a network that ends in global average pooling and a dense layer; None where it does not."""
    poolings = [each for each in network.layers if isinstance(each, keras.layers.GlobalAveragePooling2D)]
    ends = [each for each in network.layers if isinstance(each, keras.layers.Dense)]
    labels = network.output_shape[-1]
    found = (
        Head(pooling, dense)
        for pooling, dense in product(poolings, ends)
        if dense.input is pooling.output and dense.units == labels
    )
    return next(found, None)


def _graph(network: keras.Model) -> Any:
    signature = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)
    return tf.function(lambda batch: network(batch, training=False), input_signature=[signature])


def _limit_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        return  # TensorFlow has already run something in this process, so its threads are what they are
