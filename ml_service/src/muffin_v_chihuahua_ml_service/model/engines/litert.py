"""LiteRT, TensorFlow's inference runtime: small, loads in a tenth of a second."""

from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ..bundle import EngineName, Precision
from .chatter import without_chatter
from .lanes import Lanes


class LiteRTEngine:
    """Runs a ``.tflite`` file with one input and one or two outputs, each with a dynamic first dimension."""

    name: Final[EngineName] = "litert"
    precision: Final[Precision] = "f32"
    max_batch: Final = 1
    """Another size of batch than the last makes it allocate its memory again, which costs what it saves."""

    def __init__(self, artefact: Path, threads: int, streams: int) -> None:
        self.streams: Final = streams
        # By its path it would be mapped, and a file that is replaced later would change the answers.
        content = artefact.read_bytes()
        self._lanes = Lanes([_Lane(content, threads) for _ in range(streams)])

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        with self._lanes.take() as lane:
            return lane.run(batch)

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the last feature map float32 [N, height, width, channels]."""
        with self._lanes.take() as lane:
            return lane.explain(batch)


class _Lane:
    """An interpreter, which only one thread may use at a time."""

    def __init__(self, content: bytes, threads: int) -> None:
        with without_chatter():
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()  # says whom it delegates to
        self._input = self._interpreter.get_input_details()[0]["index"]
        # The converter does not keep the order in which the network has its outputs.
        by_rank = sorted(self._interpreter.get_output_details(), key=lambda each: len(each["shape"]))
        self._outputs = [each["index"] for each in by_rank]
        self._batch_size = 0

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(batch) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input, batch.shape, strict=True)
            self._interpreter.allocate_tensors()
            self._batch_size = len(batch)
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return self._output(0)

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.run(batch), self._output(1)

    def _output(self, place: int) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._interpreter.get_tensor(self._outputs[place])
        return output
