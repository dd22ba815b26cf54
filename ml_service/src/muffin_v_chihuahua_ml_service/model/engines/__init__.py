"""What runs the network: one module an engine, each imports its runtime and nobody else does."""

from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineUnavailable
from ...settings import EngineChoice
from ..bundle import EngineName, ModelBundle

RUNTIMES: dict[EngineName, str] = {
    "litert": "ai_edge_litert",
    "onnxruntime": "onnxruntime",
    "tensorflow": "tensorflow",
}
"""The engines in the order in which ``auto`` tries them, and the module that each needs.

The first two are about as fast as each other on idle cores; where others use them too, LiteRT loses less.
"""


class Engine(Protocol):
    """A network that is loaded and ready to run; not safe for two threads at once."""

    @property
    def name(self) -> EngineName:
        """The engine's name, as the setting has it."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities float32 [N, labels] for pictures float32 [N, height, width, 3] in [0, 255]."""


def load_engine(bundle: ModelBundle, choice: EngineChoice = "auto", *, threads: int) -> Engine:
    """Load the bundle's network with the engine asked for, or with the first one that can.

    Args:
        bundle: where the artefacts are.
        choice: an engine's name, or ``auto``.
        threads: how many threads the engine may use for one batch.

    Raises:
        EngineUnavailable: the engine is not installed, or the bundle has no artefact for it.
    """
    candidates = list(RUNTIMES) if choice == "auto" else [choice]
    reasons = []
    for name in candidates:
        artefact = bundle.artefact(name)
        if artefact is None:
            reasons.append(f"the bundle {bundle.manifest.name} has no artefact for {name}")
        elif find_spec(RUNTIMES[name]) is None:
            reasons.append(f"{RUNTIMES[name]} is not installed")
        else:
            return _load(name, artefact, threads)
    raise EngineUnavailable(
        f"No engine for {choice!r}: {' and '.join(reasons)}. "
        "`build` adds the artefacts to a bundle; "
        "pip install 'muffin-v-chihuahua-ml-service[onnxruntime,tensorflow]' adds the other engines."
    )


def _load(name: EngineName, artefact: Path, threads: int) -> Engine:
    # Imported here, so that nothing but the engine in use is loaded: TensorFlow alone takes seconds.
    if name == "litert":
        from .litert import LiteRTEngine  # noqa: PLC0415

        return LiteRTEngine(artefact, threads)
    if name == "onnxruntime":
        from .onnxruntime import OnnxRuntimeEngine  # noqa: PLC0415

        return OnnxRuntimeEngine(artefact, threads)
    from .tensorflow import TensorFlowEngine  # noqa: PLC0415

    return TensorFlowEngine(artefact, threads)
