"""OpenVINO, which runs ONNX files in the numbers that the processor is fastest with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from ..bundle import EngineName, Precision
from .lanes import Lanes

# With this package, which OpenVINO 2026.4.1 brings along, its import is told to Google Analytics and leaves
# an identifier at home. Where the package cannot be imported, OpenVINO has a stub in its place.
cast("dict[str, Any]", sys.modules).setdefault("openvino_telemetry", None)
from openvino import CompiledModel, Core, InferRequest, Model  # noqa: E402

SIZES = (4, 1)
"""The sizes of batch that a network is compiled for: of any size, it would take a quarter longer.

Four together take an eighth less a picture than one alone in bf16, and eight hardly less than four. Each size
takes about 40 MB.
"""

_Lane = dict[int, InferRequest]
"""A request for each size."""


class OpenVINOEngine:
    """Runs an ``.onnx`` file with one input and one or two outputs, each with a dynamic first dimension."""

    name: Final[EngineName] = "openvino"
    max_batch: Final = max(SIZES)

    def __init__(self, artefact: Path, precision: Precision, threads: int, streams: int) -> None:
        self.precision: Final = precision
        self.streams: Final = streams
        with _in_a_sentence():
            # By its path it could be mapped, and a file that is replaced later would change the answers.
            self._model = _core().read_model(artefact.read_bytes())
            answering = _only_probabilities(self._model)
            compiled = {size: _compile(answering, size, precision, threads, streams) for size in SIZES}
        self._lanes = Lanes[_Lane](
            {size: each.create_infer_request() for size, each in compiled.items()} for _ in range(streams)
        )
        self._threads = threads
        self._explaining = Lock()
        self._explainer: InferRequest | None = None

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        with self._lanes.take() as lane, _in_a_sentence():
            answers = np.concatenate([_infer(lane[len(part)], part)[0] for part in _parts(batch)])
        return self._adding_up(answers)

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the last feature map float32 [N, height, width, channels]."""
        with self._explaining, _in_a_sentence():
            if self._explainer is None:
                # The compiled models hold on to the weights in this one, so to have kept it costs nothing.
                compiled = _compile(self._model, 1, self.precision, self._threads, 1)
                self._explainer = compiled.create_infer_request()
            found = [_infer(self._explainer, picture[np.newaxis]) for picture in batch]
        answers, features = (np.concatenate(each) for each in zip(*found, strict=True))
        return self._adding_up(answers), features

    def _adding_up(self, answers: NDArray[np.float32]) -> NDArray[np.float32]:
        # Of numbers of 8 bits, what should be 1 altogether can be 1.004.
        return answers / answers.sum(axis=1, keepdims=True) if self.precision == "bf16" else answers


@cache
def _core() -> Core:
    """One for the whole process, never freed.

    Where the processor has AMX, its plugin gives the thread that makes it a stack for signals, and takes it
    from that thread alone: freed in another, it leaves one in which the next signal ends the process.
    """
    return Core()


def has_bf16() -> bool:
    """Whether this processor computes in bf16 itself; elsewhere it would be slower than f32."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _only_probabilities(model: Model) -> Model:
    """The same without what it computes for an explanation alone."""
    return Model([model.outputs[0]], model.get_parameters(), "answering")


def _compile(model: Model, size: int, precision: Precision, threads: int, streams: int) -> CompiledModel:
    shape = model.input().partial_shape
    shape[0] = size
    model.reshape(shape)
    options = {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams * threads,
        # Pinned, the first stream of every process would sit on the same core.
        "ENABLE_CPU_PINNING": False,
        # An int8 network says itself where it is int8.
        "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
    }
    return _core().compile_model(model, "CPU", options)


def _parts(batch: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The batch in parts of the compiled sizes, the largest first."""
    start = 0
    for size in SIZES:
        while len(batch) - start >= size:
            yield batch[start : start + size]
            start += size


def _infer(request: InferRequest, part: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """All of the network's outputs."""
    # Called in this thread, it would run in this thread, on whichever stream that has: maybe one in use.
    request.start_async({0: np.ascontiguousarray(part)}, share_inputs=True)
    request.wait()
    return [tensor.data.copy() for tensor in request.output_tensors]


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Its errors begin with lines of its own source code, and say at the end what is wrong."""
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError(str(error).strip().rpartition("\n")[2]) from error
