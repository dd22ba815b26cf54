"""ONNX Runtime, which runs the ONNX files of any framework."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnxruntime import ExecutionMode, InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,  # noqa: A004 - its own, by that name
    RuntimeException,
)

from ..bundle import EngineName, Precision


class OnnxRuntimeEngine:
    """Runs an ``.onnx`` file with one input and one or two outputs, each with a dynamic first dimension."""

    name: Final[EngineName] = "onnxruntime"

    def __init__(self, artefact: Path, precision: Precision, threads: int, streams: int) -> None:
        self.precision: Final = precision
        self.streams: Final = streams
        self.max_batch: Final = 4 if precision == "int8" else 1  # in f32, a batch saves nothing
        options = SessionOptions()
        # Each thread that calls computes as well, and needs only the others beside it.
        options.intra_op_num_threads = 1 + (threads - 1) * streams
        options.inter_op_num_threads = 1
        options.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        with _as_runtime_errors():
            self._session = InferenceSession(artefact, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [each.name for each in self._session.get_outputs()]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        with _as_runtime_errors():
            probabilities: NDArray[np.float32] = self._session.run(self._outputs[:1], {self._input: batch})[0]
        return probabilities

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the last feature map float32 [N, height, width, channels]."""
        with _as_runtime_errors():
            probabilities, features = self._session.run(self._outputs, {self._input: batch})
        return probabilities, features


@contextmanager
def _as_runtime_errors() -> Iterator[None]:
    """Its own errors have no base class but Exception, and nobody outside imports them."""
    try:
        yield
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException) as error:
        raise RuntimeError(str(error)) from error
