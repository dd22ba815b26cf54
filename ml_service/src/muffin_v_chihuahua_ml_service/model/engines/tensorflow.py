"""TensorFlow, the reference: loads the Keras model that training wrote."""

from pathlib import Path
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..bundle import EngineName, Precision


class TensorFlowEngine:
    """Runs a ``.keras`` file as one compiled graph."""

    name: Final[EngineName] = "tensorflow"
    precision: Final[Precision] = "f32"
    max_batch: Final = 4

    def __init__(self, artefact: Path, threads: int, streams: int) -> None:
        self.streams: Final = streams
        _limit_threads(threads * streams)
        model = keras.saving.load_model(artefact, compile=False)
        signature = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
        self._graph = tf.function(lambda batch: model(batch, training=False), input_signature=[signature])

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        probabilities: NDArray[np.float32] = self._graph(batch).numpy()
        return probabilities


def _limit_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        return  # TensorFlow has already run something in this process, so its threads are what they are
