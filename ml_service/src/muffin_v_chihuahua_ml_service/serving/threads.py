"""Threads that work for the event loop, and can be left behind when one of them hangs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

_T = TypeVar("_T")


class WorkerThreads:
    """A fixed number of threads that take work in the order in which it came.

    A hop to one of them and back costs a third of what ``anyio.to_thread`` takes for it, which is worth
    having twice in a request of five milliseconds. They are daemons: a thread that hangs in a foreign library
    keeps neither the process nor ``concurrent.futures``' exit handler waiting.
    """

    def __init__(self, count: int, name: str) -> None:
        """Start ``count`` threads called ``name``."""
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._count = count
        self._reporting = Lock()
        self._is_abandoned = False
        for number in range(count):
            Thread(target=self._serve, name=f"{name}-{number}", daemon=True).start()

    async def run(self, function: Callable[[], _T]) -> _T:
        """What ``function`` returns or raises in a thread; not begun at all if the caller leaves before."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        work = _Work(function, future, loop)
        self._work.put(work)
        try:
            return await future
        finally:
            work.function = None  # one that has not begun keeps no picture until a thread comes to it

    def close(self) -> None:
        """Let each thread end after what it does now; does not wait for them."""
        for _ in range(self._count):
            self._work.put(None)

    def abandon(self) -> None:
        """Close them, and let no result reach an event loop any more: to be called before the loop ends.

        uvloop does not survive a call from another thread in the moment in which it is closed.
        """
        with self._reporting:
            self._is_abandoned = True
        self.close()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            function = work.function
            if function is not None and not work.future.cancelled():
                self._report(work.loop, work.future, *_outcome(function))
            del work, function  # a waiting thread keeps no picture alive

    def _report(
        self,
        loop: asyncio.AbstractEventLoop,
        future: "asyncio.Future[Any]",
        result: Any,
        error: BaseException | None,
    ) -> None:
        with self._reporting:
            if self._is_abandoned:
                return
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return  # the loop has closed, so nobody waits any more


@dataclass(slots=True)
class _Work:
    function: Callable[[], Any] | None
    """None once its caller has left."""
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


def _outcome(function: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits, as a future does
        return None, error


def _settle(future: "asyncio.Future[_T]", result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
