"""A model at work: its predictor behind a batcher, in threads of its own, replaced when it hangs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineFailed, EngineStuck, MLServiceError
from ..model.predictor import Explained, Prediction, Predictor
from .batching import MicroBatcher
from .threads import WorkerThreads

_log = logging.getLogger(__name__)

Picture = NDArray[np.float32]

BatchRan = Callable[[Predictor, int], None]
"""Told which predictor ran how many pictures at once."""

_T = TypeVar("_T")

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
"""Between two tries to load an engine that hung, each pause twice as long as the one before."""


@dataclass(frozen=True)
class _Threads:
    """Those of one predictor: as many as it answers batches at once, and one that explains."""

    answering: WorkerThreads
    explaining: WorkerThreads

    @classmethod
    def of(cls, predictor: Predictor) -> "_Threads":
        name = f"engine-{predictor.engine_name}"
        return cls(WorkerThreads(predictor.streams, name), WorkerThreads(1, f"{name}-explaining"))

    def close(self) -> None:
        self.answering.close()
        self.explaining.close()

    def abandon(self) -> None:
        self.answering.abandon()
        self.explaining.abandon()


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
        self._threads = _Threads.of(predictor)
        self.explanations = asyncio.Lock()
        """Held by the one explanation that is made; it may ask the batcher more than once."""
        self._replacing: asyncio.Task[None] | None = None
        self._retrying: asyncio.Task[None] | None = None
        self.batcher: MicroBatcher[Picture, Prediction] = MicroBatcher(
            self._run,
            lanes=predictor.streams,
            max_batch=predictor.max_batch,
            capacity=predictor.streams * predictor.max_batch + decoders,
            splits=lambda error: not isinstance(error, EngineStuck),
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
        return self._replacing is not None or self.is_lost

    @property
    def is_lost(self) -> bool:
        """Whether its engine hangs and could not be loaded again so far."""
        return self._retrying is not None

    async def close(self) -> None:
        """Answer what has begun, then end the threads."""
        async with self.explanations:  # until one has ended it may ask for more, which would wait for ever
            await self.batcher.finish()
        self._stop_retrying()
        self._threads.close()

    def abandon(self) -> None:
        """Leave what runs to itself, because the event loop ends."""
        self._stop_retrying()
        self._threads.abandon()

    def _stop_retrying(self) -> None:
        if self._retrying is not None:
            self._retrying.cancel()

    async def explain(self, picture: Picture) -> Explained:
        """What the predictor's activation maps show, in a thread that no prediction waits for.

        Raises:
            EngineFailed, EngineStuck: the engine did not manage this picture.
        """
        return await self._in_time(
            lambda threads, predictor: threads.explaining.run(lambda: predictor.explain(picture)),
            of_one=True,
        )

    async def _run(self, pictures: Sequence[Picture]) -> list[Prediction]:
        predictions = await self._in_time(
            lambda threads, predictor: threads.answering.run(lambda: predictor.predict_batch(pictures)),
            of_one=len(pictures) == 1,
        )
        if self._batch_ran is not None:
            self._batch_ran(self.predictor, len(pictures))
        return predictions

    async def _in_time(self, begin: Callable[[_Threads, Predictor], Awaitable[_T]], *, of_one: bool) -> _T:
        """What the engine makes of pictures, unless it hangs."""
        if self._replacing is not None:
            await asyncio.shield(self._replacing)
        if self.is_lost:
            raise EngineStuck("The engine hangs and could not be loaded again yet.")
        predictor = self.predictor
        try:
            async with asyncio.timeout(self._timeout_s):
                return await begin(self._threads, predictor)
        except TimeoutError as error:
            await self._replace(predictor)
            raise EngineStuck(
                f"The engine did not answer within {self._timeout_s:.0f} s and was replaced."
            ) from error
        except Exception as error:
            if of_one:
                _log.exception("The engine failed on one picture:")
            raise EngineFailed("The engine failed on this picture; the log has the details.") from error

    async def _replace(self, stuck: Predictor) -> None:
        """Several lanes may find the same engine stuck; it is replaced once."""
        if self._replacing is None and self.predictor is stuck:
            self._replacing = asyncio.create_task(self._load_again())
        if self._replacing is not None:
            await asyncio.shield(self._replacing)

    async def _load_again(self) -> None:
        _log.error("The engine of %s hangs; it is left behind and loaded again.", self.title)
        try:
            if not await self._is_loaded_again():
                self._retrying = asyncio.create_task(self._retry())
        finally:
            self._replacing = None

    async def _retry(self) -> None:
        pause_s = _SHORTEST_PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            if await self._is_loaded_again():
                break
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._retrying = None

    async def _is_loaded_again(self) -> bool:
        self._threads.close()
        self._threads = _Threads.of(self.predictor)
        try:
            self.predictor = await self._threads.answering.run(self.predictor.again)
        except MLServiceError as error:
            _log.error("The engine could not be loaded again, and is tried again: %s", error)
            return False
        _log.warning("The engine has been replaced: %s answers again.", self.title)
        return True
