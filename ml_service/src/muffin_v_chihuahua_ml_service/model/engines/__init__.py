"""What runs the network: one module an engine, each imports its runtime and nobody else does."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineUnavailable
from ...settings import EngineChoice, PrecisionChoice
from ..bundle import EngineName, ModelBundle, Precision
from .candidates import CANDIDATES, RUNTIMES, Candidate, Found, find_candidates, not_importable

__all__ = [
    "CANDIDATES",
    "RUNTIMES",
    "Candidate",
    "Engine",
    "Found",
    "find_candidates",
    "load_candidate",
    "load_engine",
]


class Engine(Protocol):
    """A network that is loaded and ready to run."""

    @property
    def name(self) -> EngineName:
        """The engine's name, as the setting has it."""

    @property
    def precision(self) -> Precision:
        """What it computes in."""

    @property
    def streams(self) -> int:
        """How many threads may be in ``run`` at once; one more waits there until one of them is out."""

    @property
    def max_batch(self) -> int:
        """Pictures in the batch that takes the least time a picture; more are taken as well."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""

    def explain(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and the last feature map float32 [N, height, width, channels] that they follow from.

        Only for bundles that declare activation maps. Whatever it needs beside ``run`` is made when it is
        first called; any thread may call it, and a batch waits for it at most as for another batch.
        """


def load_engine(
    bundle: ModelBundle,
    choice: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    *,
    threads: int,
    streams: int = 1,
) -> Engine:
    """Load the bundle's network with the engine asked for, or with the fastest that can.

    Args:
        bundle: where the artefacts are.
        choice: an engine's name, or ``auto``.
        precision: what it computes in, or ``auto``.
        threads: how many threads the engine may use for one batch.
        streams: how many batches it runs at once.

    Raises:
        EngineUnavailable: the engine is not installed, the bundle has no artefact for it, or the processor
            does not have the precision.
    """
    fastest = find_candidates(bundle, choice, precision).candidates[0]
    return load_candidate(bundle, fastest, threads=threads, streams=streams)


def load_candidate(bundle: ModelBundle, candidate: Candidate, *, threads: int, streams: int) -> Engine:
    """Load the bundle's network with one that ``find_candidates`` found.

    Raises:
        EngineUnavailable: the engine is installed, and cannot be imported.
    """
    artefact = bundle.artefact(candidate.engine, candidate.precision)
    assert artefact is not None  # noqa: S101 - or it would not have been found
    try:
        return _load(candidate, artefact, threads, streams)
    except ImportError as error:
        raise EngineUnavailable(f"{not_importable(candidate, error)}.") from error


def _load(candidate: Candidate, artefact: Path, threads: int, streams: int) -> Engine:
    # Imported here, so that nothing but the engine in use is loaded: TensorFlow alone takes seconds.
    if candidate.engine == "openvino":
        from .openvino import OpenVINOEngine  # noqa: PLC0415

        return OpenVINOEngine(artefact, candidate.precision, threads, streams)
    if candidate.engine == "onnxruntime":
        from .onnxruntime import OnnxRuntimeEngine  # noqa: PLC0415

        return OnnxRuntimeEngine(artefact, candidate.precision, threads, streams)
    if candidate.engine == "litert":
        from .litert import LiteRTEngine  # noqa: PLC0415

        return LiteRTEngine(artefact, threads, streams)
    from .tensorflow import TensorFlowEngine  # noqa: PLC0415

    return TensorFlowEngine(artefact, threads, streams)
