"""A first load that does not wait until the application is there."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...model.predictor import Predictor


class HeadStart:
    """Loads a predictor in a thread from now on, for whoever asks first; every later call loads another."""

    def __init__(self, load: "Callable[[], Predictor]") -> None:
        """Begin to ``load``."""
        self.began = perf_counter()
        self._load = load
        self._first: Future[Predictor] | None = Future()
        Thread(target=_fulfil, args=(self._first, load), name="first-load", daemon=True).start()

    def wait(self) -> None:
        """Until the first load has ended, however it did."""
        if self._first is not None:
            wait([self._first])

    def __call__(self) -> "Predictor":
        """The predictor that was begun with, or else a new one; raises what its load raises."""
        first, self._first = self._first, None  # not kept, so that the model can be freed
        return self._load() if first is None else first.result()


def _fulfil(promise: "Future[Predictor]", load: "Callable[[], Predictor]") -> None:
    try:
        promise.set_result(load())
    except BaseException as error:  # noqa: BLE001 - handed to whoever asks
        promise.set_exception(error)
