"""One request and its answer, as the metrics and the log see it."""

import os
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import Literal

from ulid import ULID

from ..model.predictor import Predictor
from .explaining import Explanation
from .inference import Answer

Stage = Literal["read", "decode", "queue", "inference", "postprocess"]

_ROUTINE_PATHS = frozenset({"/", "/livez", "/readyz", "/metrics"})


def new_id() -> str:
    """128 random bits of the system's source, in the 26 letters and digits of a ULID.

    Who has a prediction's id can delete it, so no id may follow from others, as a ULID's does from the one
    before it in the same millisecond.
    """
    return str(ULID.from_bytes(os.urandom(16)))


def is_routine(path: str) -> bool:
    """Whether machines ask for it every few seconds, for as long as the service lives."""
    return path in _ROUTINE_PATHS


@dataclass(slots=True)
class Exchange:
    """What is known of a request so far; never the picture itself, nor its name."""

    request_id: str
    method: str
    path: str
    received: int = 0
    """Bytes of the body."""
    route: str | None = None
    """The route's template, None where no route answered."""
    status: int = 0
    """0 where the caller left before there was one."""
    error: str | None = None
    """The code of the error that was answered."""
    rejected_because: str | None = None
    stages_ms: dict[Stage, float] = field(default_factory=dict)
    pixels: int | None = None
    batch_size: int | None = None
    verdict: str | None = None
    confidence: float | None = None
    """The winner's probability."""
    model: tuple[str, str, str] | None = None
    """Name, version and digest of the model that answered."""
    trace_id: str | None = None
    """Hexadecimal, where the request is traced."""
    started: float = field(default_factory=perf_counter)

    def has_read(self, received: int) -> None:
        """The body is there."""
        self.received = received
        self.stages_ms["read"] = self.duration_s * 1000

    def answered(self, answer: Answer) -> None:
        """There is a prediction; what is left of the time until now went into its answer."""
        self.stages_ms["decode"] = answer.decode_ms
        self.stages_ms["queue"] = answer.queue_ms
        self.stages_ms["inference"] = answer.inference_ms
        self.stages_ms["postprocess"] = self.duration_s * 1000 - sum(self.stages_ms.values())
        self.batch_size = answer.batch_size
        self.pixels = answer.pixels
        self.verdict = answer.prediction.verdict
        self.confidence = answer.prediction.predictions[0].probability
        self._answered_by(answer.predictor)

    def explained(self, explanation: Explanation) -> None:
        """There is an explanation, which is no prediction: nothing is said of verdict or confidence."""
        self.pixels = explanation.pixels
        self._answered_by(explanation.predictor)

    def _answered_by(self, predictor: Predictor) -> None:
        bundle = predictor.bundle
        self.model = (bundle.manifest.name, bundle.manifest.version, bundle.digest)

    @property
    def is_routine(self) -> bool:
        """Whether somebody asked only how the service is, and it is well."""
        return is_routine(self.path) and self.status == HTTPStatus.OK

    @property
    def duration_s(self) -> float:
        """Seconds since the request came."""
        return perf_counter() - self.started
