"""From a picture's bytes to its answer without holding up the event loop."""

import hashlib
from dataclasses import dataclass
from time import perf_counter

from ..errors import Draining, ModelNotReady
from ..model.predictor import Prediction, Predictor
from ..model.preprocessing import Prepared
from ..settings import Settings
from .admission import Admission
from .callers import Deadline
from .explaining import Explainer
from .live_model import BatchRan, LiveModel
from .models import Models
from .threads import WorkerThreads


@dataclass(frozen=True)
class Answer:
    """A prediction, the predictor that made it, and how long each step took, in milliseconds."""

    prediction: Prediction
    predictor: Predictor
    decode_ms: float
    queue_ms: float
    inference_ms: float
    batch_size: int
    pixels: int
    """Of the picture as it was sent."""
    sha256: str
    """Of its bytes, in hexadecimal."""


class InferenceService:
    """Admits pictures, decodes several at once, and lets the model's engine take what is ready."""

    def __init__(
        self, settings: Settings, decoders: int | None = None, batch_ran: BatchRan | None = None
    ) -> None:
        """Make one that decodes ``decoders`` pictures at once, by default one a core.

        ``batch_ran`` is told about every batch that an engine has run.
        """
        cores = settings.decoders if decoders is None else decoders
        self.settings = settings
        self.models = Models(
            lambda predictor: LiveModel(
                predictor,
                decoders=cores,
                timeout_s=settings.engine_timeout_ms / 1000,
                batch_ran=batch_ran,
            ),
            keep_s=settings.rollback_s,
        )
        self.admission = Admission(
            max_wait_s=settings.max_wait_ms / 1000, max_bytes=settings.max_held_bytes, parallel=cores
        )
        self.explainer = Explainer(settings, self.admission)
        self.is_draining = False
        self._decoding = WorkerThreads(cores, "decoding")

    @property
    def ready_model(self) -> LiveModel:
        """The model, where the service can be sent new work.

        Raises:
            ModelNotReady: it is loading, could not be loaded, or its engine hangs.
            Draining: the service is about to end.
        """
        model = self.models.current
        if self.is_draining:
            raise Draining("The service is ending; ask another one.")
        if model.is_stuck:
            raise ModelNotReady("The model's engine hangs and is being replaced.")
        return model

    @property
    def answering_model(self) -> LiveModel:
        """The model, where it can answer now or soon.

        Raises:
            ModelNotReady: it is loading, could not be loaded, or its engine hangs and cannot be replaced.
        """
        model = self.models.current
        if model.is_lost:
            raise ModelNotReady("The model's engine hangs and could not be loaded again yet.")
        return model

    def abandon(self) -> None:
        """Leave what runs to itself, because the event loop ends."""
        self._decoding.abandon()
        self.explainer.abandon()
        self.models.abandon()

    async def predict(self, data: bytes, deadline: Deadline | None = None) -> Answer:
        """Answer for one picture's bytes; if the caller is cancelled, what has not begun is dropped.

        Raises:
            ModelNotReady: there is no model yet.
            Overloaded: it would wait for too long, or beyond ``deadline``.
            RejectedPicture: the bytes are no picture that can be answered.
            EngineFailed, EngineStuck: the engine did not manage this picture.
        """
        model = self.answering_model
        self.admission.check(None if deadline is None else deadline.remaining_s)
        with self.admission.admitted():
            return await self._answer(model, data)

    async def _answer(self, model: LiveModel, data: bytes) -> Answer:
        came = perf_counter()
        predictor = model.predictor
        async with model.batcher.place() as place:
            prepared, decode_s, sha256 = await self._decoding.run(lambda: _timed(predictor, data))
            batched = await place.run(prepared.array)
        inference_s = batched.ended - batched.began
        queue_s = perf_counter() - came - decode_s - inference_s
        return Answer(
            batched.result,
            predictor,
            decode_s * 1000,
            queue_s * 1000,
            inference_s * 1000,
            batched.size,
            prepared.pixels,
            sha256,
        )


def _timed(predictor: Predictor, data: bytes) -> tuple[Prepared, float, str]:
    """The picture prepared, how long that took, and its digest: a millisecond for a megabyte or two."""
    started = perf_counter()
    prepared, sha256 = predictor.prepare(data), hashlib.sha256(data).hexdigest()
    return prepared, perf_counter() - started, sha256
