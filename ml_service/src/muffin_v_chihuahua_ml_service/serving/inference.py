"""From a picture's bytes to its answer without holding up the event loop."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from anyio import CapacityLimiter, Lock, to_thread

from ..errors import MLServiceError, ModelNotReady
from ..model.predictor import Prediction, Predictor

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """A prediction, the predictor that made it, and how long each step took, in milliseconds."""

    prediction: Prediction
    predictor: Predictor
    decode_ms: float
    queue_ms: float
    inference_ms: float


class InferenceService:
    """Holds the predictor from when it is loaded, and runs pictures through it: many decode, one infers."""

    def __init__(self, decoders: int) -> None:
        """Allow ``decoders`` pictures to be decoded at once."""
        self._predictor: Predictor | None = None
        self._failure: MLServiceError | None = None
        self._loading = Lock()
        self._asked_again = False
        self._decoding = CapacityLimiter(decoders)
        self._inferring = CapacityLimiter(1)

    async def load(self, load_predictor: Callable[[], Predictor]) -> None:
        """Load the predictor in a thread; what it raises on purpose is kept and told to those who ask."""
        async with self._loading:
            try:
                await self._replace(load_predictor)
            except MLServiceError as error:
                self._failure = error
                _log.error("The model could not be loaded: %s", error)

    async def reload(self, load_predictor: Callable[[], Predictor]) -> None:
        """Load another predictor while this one answers, and change to it only if that went well.

        One load runs at a time. Whoever asks meanwhile gets one more after it, however many they are.
        """
        if self._asked_again:
            return
        self._asked_again = True
        async with self._loading:
            self._asked_again = False
            try:
                await self._replace(load_predictor)
            except MLServiceError as error:
                _log.error("The model was not replaced: %s", error)
            except Exception:  # noqa: BLE001 - whatever it was, it is no reason to stop answering
                _log.exception("The model was not replaced, for a reason that nobody foresaw:")

    async def _replace(self, load_predictor: Callable[[], Predictor]) -> None:
        started = perf_counter()
        predictor = await to_thread.run_sync(load_predictor)
        self._predictor = predictor  # requests that have begun keep the one they began with
        manifest = predictor.bundle.manifest
        _log.info(
            "Serving %s %s (%s) with %s, loaded and checked in %.2f s",
            manifest.name,
            manifest.version,
            predictor.bundle.digest,
            predictor.engine_name,
            perf_counter() - started,
        )

    @property
    def predictor(self) -> Predictor:
        """The loaded predictor.

        Raises:
            ModelNotReady: it is still loading, or could not be loaded.
        """
        if self._predictor is None:
            reason = "is still loading." if self._failure is None else f"could not be loaded: {self._failure}"
            raise ModelNotReady(f"The model {reason}")
        return self._predictor

    async def predict(self, data: bytes) -> Answer:
        """Answer for one picture's bytes.

        Raises:
            ModelNotReady: there is no model yet.
            RejectedPicture: the bytes are no picture that can be answered.
        """
        predictor = self.predictor
        picture, decode_ms = await to_thread.run_sync(
            _timed, lambda: predictor.preprocess(data), limiter=self._decoding
        )
        waiting = perf_counter()
        async with self._inferring:
            queue_ms = (perf_counter() - waiting) * 1000
            predictions, inference_ms = await to_thread.run_sync(
                _timed, lambda: predictor.predict_batch([picture])
            )
        return Answer(predictions[0], predictor, decode_ms, queue_ms, inference_ms)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    started = perf_counter()
    return work(), (perf_counter() - started) * 1000
