"""Which model answers: loaded beside the running one, swapped at once, kept for a while to go back to."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

from ..errors import MLServiceError, ModelNotReady, NothingToRollBackTo
from ..foreign_errors import for_callers, one_line
from ..model.predictor import Predictor
from .live_model import LiveModel
from .memory import give_back_freed_memory
from .threads import WorkerThreads

_log = logging.getLogger(__name__)

LoadPredictor = Callable[[], Predictor]


class Models:
    """The model that answers now, and the one before it.

    Loads, reloads and rollbacks take turns, in the order in which they were asked for.
    """

    def __init__(self, go_live: Callable[[Predictor], LiveModel], keep_s: float) -> None:
        """Put predictors in place with ``go_live``; keep a replaced one for ``keep_s`` seconds."""
        self._go_live = go_live
        self._keep_s = keep_s
        self._current: LiveModel | None = None
        self._previous: LiveModel | None = None
        self._thread = WorkerThreads(1, "loading")
        self._turn = asyncio.Lock()
        self._next_reload: asyncio.Task[MLServiceError | None] | None = None
        self._freeing_later: asyncio.TimerHandle | None = None
        self._freeing: asyncio.Task[None] | None = None
        self.first_load_ended = asyncio.Event()
        self.failure: str | None = None
        """Why the last load failed, as the log has it; None where it did not."""
        self.load_s: float | None = None
        """How long the last successful load took."""
        self.loaded_at: datetime | None = None
        """When the last successful load ended."""

    @property
    def current(self) -> LiveModel:
        """The model that answers.

        Raises:
            ModelNotReady: it is still loading, or could not be loaded.
        """
        if self._current is None:
            told = self.told_failure
            reason = "is still loading." if told is None else f"could not be loaded: {told}"
            raise ModelNotReady(f"The model {reason}")
        return self._current

    @property
    def told_failure(self) -> str | None:
        """Why the last load failed, as callers may know it."""
        return None if self.failure is None else for_callers(self.failure)

    def abandon(self) -> None:
        """Leave what runs to itself, because the event loop ends."""
        self._thread.abandon()
        for model in (self._current, self._previous):
            if model is not None:
                model.abandon()

    @property
    def previous(self) -> LiveModel | None:
        """The model that a rollback brings back."""
        return self._previous

    async def load(self, load_predictor: LoadPredictor, began: float | None = None) -> None:
        """Load the first model; what it raises on purpose is kept and told to those who ask.

        Args:
            load_predictor: called in a thread.
            began: when that has already begun, on ``perf_counter``.
        """
        async with self._turn:
            try:
                await self._replace(load_predictor, began)
            except MLServiceError as error:
                _log.error("The model could not be loaded: %s", error)
            finally:
                self.first_load_ended.set()

    async def reload(self, load_predictor: LoadPredictor) -> None:
        """Load another model while this one answers, and change to it only if that went well.

        Those who ask while a reload waits for its turn share that one, and what comes of it.

        Raises:
            MLServiceError: what the load raised; nothing has changed.
        """
        if self._next_reload is None:
            self._next_reload = asyncio.create_task(self._reload_in_turn(load_predictor))
        if (failure := await asyncio.shield(self._next_reload)) is not None:
            raise failure

    async def rollback(self) -> None:
        """Bring the model back that answered before the last reload, and free the one that does now.

        Raises:
            NothingToRollBackTo: it has been freed, or there was none.
        """
        # A task, as a reload is one: so they take their turns in the order in which they were asked for.
        await asyncio.create_task(self._rollback_in_turn())

    async def _reload_in_turn(self, load_predictor: LoadPredictor) -> MLServiceError | None:
        async with self._turn:
            self._next_reload = None  # whoever asks from now on may know of a newer model than is opened now
            try:
                await self._replace(load_predictor)
            except MLServiceError as error:
                _log.error("The model was not replaced: %s", error)
                return error
        return None

    async def _rollback_in_turn(self) -> None:
        async with self._turn:
            if self._previous is None:
                raise NothingToRollBackTo("No earlier model is kept, so there is nothing to go back to.")
            freeing = _free(self._current, self._thread)
            self._current = self._take_previous()
            _log.info("Rolled back to %s", self.current.title)
            await freeing

    async def _replace(self, load_predictor: LoadPredictor, began: float | None = None) -> None:
        started = perf_counter() if began is None else began
        try:
            predictor = await self._thread.run(load_predictor)
        except MLServiceError as error:
            self.failure = str(error)
            raise
        except Exception as error:
            self.failure = f"an error that nobody foresaw ({type(error).__name__}: {one_line(error)})"
            _log.exception("The model was not loaded, for a reason that nobody foresaw:")
            raise ModelNotReady(f"The model could not be loaded: {self.failure}") from error
        self.load_s, self.failure, self.loaded_at = perf_counter() - started, None, datetime.now(UTC)
        await self._swap(self._go_live(predictor))

    async def _swap(self, new: LiveModel) -> None:
        """Requests that have begun keep the model that they began with."""
        freeing = _free(self._take_previous(), self._thread)
        if self._current is not None:
            self._previous = self._current
            self._freeing_later = asyncio.get_running_loop().call_later(self._keep_s, self._free_previous)
        self._current = new
        _log.info("Serving %s, loaded and checked in %.2f s", new.title, self.load_s)
        await freeing

    def _take_previous(self) -> LiveModel | None:
        previous, self._previous = self._previous, None
        if self._freeing_later is not None:
            self._freeing_later.cancel()
            self._freeing_later = None
        return previous

    def _free_previous(self) -> None:
        self._freeing = asyncio.get_running_loop().create_task(_free(self._take_previous(), self._thread))


async def _free(model: LiveModel | None, thread: WorkerThreads) -> None:
    """Let go of a model once it has answered those who have it; its caller must not hold it any more."""
    if model is None:
        return
    await model.close()
    del model
    await thread.run(give_back_freed_memory)
