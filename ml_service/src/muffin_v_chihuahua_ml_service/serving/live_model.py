"""A model at work: its predictor behind a batcher, in threads of its own, replaced when it hangs."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineFailed, EngineStuck, MLServiceError
from ..model.predictor import Prediction, Predictor
from .batching import MicroBatcher
from .threads import WorkerThreads

_log = logging.getLogger(__name__)

Picture = NDArray[np.float32]

BatchRan = Callable[[Predictor, int], None]
"""Told which predictor ran how many pictures at once."""


class LiveModel:
    """Runs prepared pictures through one predictor."""

    def __init__(
        self, predictor: Predictor, *, decoders: int, timeout_s: float, batch_ran: BatchRan | None = None
    ) -> None:
        """Put ``predictor`` to work.

        Args:
            predictor: loaded and checked.
            decoders: how many pictures are prepared at once; as many wait ready beside those in work.
            timeout_s: a batch that takes longer is given up, and the engine is replaced.
            batch_ran: told about every batch that went well.
        """
        self.predictor = predictor
        self.loaded_at = datetime.now(UTC)
        self._batch_ran = batch_ran
        self._timeout_s = timeout_s
        self._threads = _engine_threads(predictor)
        self._replacing: asyncio.Task[None] | None = None
        self.batcher: MicroBatcher[Picture, Prediction] = MicroBatcher(
            self._run,
            lanes=predictor.streams,
            max_batch=predictor.max_batch,
            capacity=predictor.streams * predictor.max_batch + decoders,
        )

    @property
    def title(self) -> str:
        """Name, version, digest and engine, for the log."""
        manifest = self.predictor.bundle.manifest
        return (
            f"{manifest.name} {manifest.version} ({self.predictor.bundle.digest}) "
            f"with {self.predictor.engine_name} in {self.predictor.precision}"
        )

    @property
    def is_stuck(self) -> bool:
        """Whether its engine hangs and its replacement is not there yet."""
        return self._replacing is not None

    async def close(self) -> None:
        """Answer what has begun, then end the threads."""
        await self.batcher.finish()
        self._threads.close()

    def abandon(self) -> None:
        """Leave what runs to itself, because the event loop ends."""
        self._threads.abandon()

    async def _run(self, pictures: Sequence[Picture]) -> list[Prediction]:
        if self._replacing is not None:
            await asyncio.shield(self._replacing)
        predictor, threads = self.predictor, self._threads
        try:
            async with asyncio.timeout(self._timeout_s):
                predictions = await threads.run(lambda: predictor.predict_batch(pictures))
        except TimeoutError as error:
            await self._replace(predictor)
            raise EngineStuck(
                f"The engine did not answer within {self._timeout_s:.0f} s and was replaced."
            ) from error
        except Exception as error:
            if len(pictures) == 1:
                _log.exception("The engine failed on one picture:")
            raise EngineFailed("The engine failed on this picture; the log has the details.") from error
        if self._batch_ran is not None:
            self._batch_ran(predictor, len(pictures))
        return predictions

    async def _replace(self, stuck: Predictor) -> None:
        """Several lanes may find the same engine stuck; it is replaced once."""
        if self._replacing is None and self.predictor is stuck:
            self._replacing = asyncio.create_task(self._load_again())
        if self._replacing is not None:
            await asyncio.shield(self._replacing)

    async def _load_again(self) -> None:
        _log.error("The engine of %s hangs; it is left behind and loaded again.", self.title)
        self._threads.close()
        self._threads = _engine_threads(self.predictor)
        try:
            self.predictor = await self._threads.run(self.predictor.again)
        except MLServiceError as error:
            _log.error("The engine could not be loaded again: %s", error)
        else:
            _log.warning("The engine has been replaced: %s answers again.", self.title)
        finally:
            self._replacing = None


def _engine_threads(predictor: Predictor) -> WorkerThreads:
    return WorkerThreads(predictor.streams, f"engine-{predictor.engine_name}")
