"""Which engines can run a bundle here, in which precision, and which of them comes first."""

from dataclasses import dataclass
from importlib.util import find_spec

from ...errors import EngineUnavailable
from ...settings import EngineChoice, PrecisionChoice
from ..bundle import EngineName, ModelBundle, Precision

RUNTIMES: dict[EngineName, str] = {
    "litert": "ai_edge_litert",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "tensorflow": "tensorflow",
}
"""The engines, and the module that each needs."""


@dataclass(frozen=True)
class Candidate:
    """An engine in a precision."""

    engine: EngineName
    precision: Precision
    speed: float
    """Pictures a second against ONNX Runtime in f32."""

    def __str__(self) -> str:
        """As a person would say it."""
        return f"{self.engine} in {self.precision}"


CANDIDATES = (
    Candidate("openvino", "int8", 2.9),
    Candidate("openvino", "bf16", 2.5),
    Candidate("onnxruntime", "int8", 1.8),
    Candidate("openvino", "f32", 1.1),
    Candidate("onnxruntime", "f32", 1.0),
    Candidate("litert", "f32", 0.9),
    Candidate("tensorflow", "f32", 0.5),
)
"""The fastest first, by EfficientNet-Lite0 on a core of a Xeon with AMX, each in batches of its size."""


@dataclass(frozen=True)
class Found:
    """What can run a bundle here, the fastest first, and why the others of those asked for cannot."""

    candidates: tuple[Candidate, ...]
    left_out: dict[Candidate, str]

    def faster_than(self, chosen: Candidate) -> list[str]:
        """Those that would have come before it, each with what stands in its way."""
        return [f"{each} ({why})" for each, why in self.left_out.items() if each.speed > chosen.speed]


def find_candidates(
    bundle: ModelBundle, choice: EngineChoice = "auto", precision: PrecisionChoice = "auto"
) -> Found:
    """What of these can run the bundle here.

    Raises:
        EngineUnavailable: none of them can.
    """
    asked_for = [
        each
        for each in CANDIDATES
        if choice in {"auto", each.engine} and precision in {"auto", each.precision}
    ]
    left_out = {each: why for each in asked_for if (why := _obstacle(bundle, each)) is not None}
    if len(left_out) == len(asked_for):
        raise _unavailable(choice, precision, left_out)
    return Found(tuple(each for each in asked_for if each not in left_out), left_out)


def _obstacle(bundle: ModelBundle, candidate: Candidate) -> str | None:
    if bundle.artefact(candidate.engine, candidate.precision) is None:
        of_which = candidate if candidate.precision == "int8" else candidate.engine
        return f"the bundle {bundle.manifest.name} has no artefact for {of_which}"
    if find_spec(RUNTIMES[candidate.engine]) is None:
        return f"{RUNTIMES[candidate.engine]} is not installed"
    if candidate.precision == "bf16":
        try:
            return None if _has_bf16() else "this processor has no bf16"
        except ImportError as error:
            return not_importable(candidate, error)
    return None


def not_importable(candidate: Candidate, error: ImportError) -> str:
    """What stands in the way of an engine that is installed, and yet cannot be imported here."""
    reason = str(error).partition("\n")[0]
    return f"{RUNTIMES[candidate.engine]} is installed and cannot be imported ({reason})"


def _has_bf16() -> bool:
    from .openvino import has_bf16  # noqa: PLC0415 - only where it is installed and asked for

    return has_bf16()


def _unavailable(
    choice: EngineChoice, precision: PrecisionChoice, left_out: dict[Candidate, str]
) -> EngineUnavailable:
    asked_for = repr(choice) if precision == "auto" else f"{choice!r} in {precision!r}"
    reasons = " and ".join(dict.fromkeys(left_out.values())) or "it does not run in that precision"
    return EngineUnavailable(
        f"No engine for {asked_for}: {reasons}. "
        "`build` adds the artefacts to a bundle, with --int8 also that for int8; "
        "pip install 'muffin-v-chihuahua-ml-service[onnxruntime,tensorflow]' adds the other engines."
    )
