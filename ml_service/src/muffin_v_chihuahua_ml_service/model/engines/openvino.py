"""OpenVINO, which runs ONNX files in the numbers that the processor is fastest with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from openvino import CompiledModel, Core, InferRequest, Model

from ..bundle import EngineName, Precision
from .lanes import Lanes

SIZES = (4, 1)
"""The sizes of batch that a network is compiled for: of any size, it would take a quarter longer.

Four together take an eighth less a picture than one alone in bf16, and eight hardly less than four. Each size
takes about 40 MB.
"""

_Lane = dict[int, InferRequest]
"""A request for each size."""


class OpenVINOEngine:
    """Runs an ``.onnx`` file with one input and one output, each with a dynamic first dimension."""

    name: Final[EngineName] = "openvino"
    max_batch: Final = max(SIZES)

    def __init__(self, artefact: Path, precision: Precision, threads: int, streams: int) -> None:
        self.precision: Final = precision
        self.streams: Final = streams
        with _in_a_sentence():
            # By its path it could be mapped, and a file that is replaced later would change the answers.
            model = _core().read_model(artefact.read_bytes())
            compiled = {size: _compile(model, size, precision, threads, streams) for size in SIZES}
        self._lanes = Lanes[_Lane](
            {size: each.create_infer_request() for size, each in compiled.items()} for _ in range(streams)
        )

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""
        with self._lanes.take() as lane, _in_a_sentence():
            answers = np.concatenate([_infer(lane[len(part)], part) for part in _parts(batch)])
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


def _infer(request: InferRequest, part: NDArray[np.float32]) -> NDArray[np.float32]:
    # Called in this thread, it would run in this thread, on whichever stream that has: maybe one in use.
    request.start_async({0: np.ascontiguousarray(part)}, share_inputs=True)
    request.wait()
    probabilities: NDArray[np.float32] = request.get_output_tensor().data.copy()
    return probabilities


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Its errors begin with lines of its own source code, and say at the end what is wrong."""
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError(str(error).strip().rpartition("\n")[2]) from error
