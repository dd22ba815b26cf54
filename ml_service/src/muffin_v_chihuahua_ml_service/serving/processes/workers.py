"""Several processes behind one port: started, replaced, told what others are told, and ended together.

They share one listening socket. With a socket each (SO_REUSEPORT), the kernel deals connections out blindly,
now and then seven of eight to one of two processes, and what waits for a process that dies is lost. From one
socket, whoever has the fewest takes the next.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from os import environ
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from ...errors import WorkersFailed
from ...settings import Settings
from .child import Child
from .closing import close_the_door
from .shares import Shares

COMMAND: Final = (sys.executable, "-m", f"{__package__}.worker")

_QUICK_S = 10.0
"""A worker that ends sooner counts as one that could not do its work."""

_PATIENCE = 5
"""So many such ends in a row are enough, where nobody else answers either."""

_PAUSE_S = 0.1
"""Before a worker is replaced; twice as long each time that one has ended too soon, up to 26 s."""

_SLACK_S = 5.0
"""What a worker may take for its end beyond what it is set to."""

_log = logging.getLogger(__name__)


class Workers:
    """As many processes as are set, each with the model and its share of the cores."""

    def __init__(self, settings: Settings, listener: socket.socket, command: Sequence[str] = COMMAND) -> None:
        """Let each run ``command``, with the numbers of its two sockets after it."""
        self._settings = settings
        self._listener = listener
        self._command = command
        self._children: set[Child] = set()
        self._have_answered = False
        self._ending = asyncio.Event()
        self._failure: str | None = None
        self._told_twice: int | None = None

    async def run(self) -> None:
        """Keep them running until a signal ends them all.

        Raises:
            WorkersFailed: none of them can answer.
        """
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._told_to_end, each)
        for each in (signal.SIGHUP, signal.SIGUSR1):
            loop.add_signal_handler(each, self._pass_on, each)
        count = self._settings.workers
        with TemporaryDirectory(prefix="ml-service-metrics-") as metrics, Shares(count) as shares:
            await asyncio.gather(*(self._keep_one(each, shares, metrics) for each in range(count)))
        if self._failure is not None:
            raise WorkersFailed(self._failure)
        if self._told_twice is not None:
            raise SystemExit(128 + self._told_twice)

    async def _keep_one(self, number: int, shares: Shares, metrics: str) -> None:
        """One worker, and the next one whenever it ends."""
        environment = {
            **environ,
            **self._settings.as_environment(),
            "PROMETHEUS_MULTIPROC_DIR": metrics,
        }
        quick_ends = 0
        failure: str | None
        while not self._ending.is_set():
            began = monotonic()
            try:
                child = await Child.start(self._command, self._listener, shares, number, environment)
            except OSError as error:  # no memory, or no process more is allowed
                _log.error("No worker can be started (%s); it is tried again.", error)
                failure, has_answered = f"No worker can be started ({error}).", False
            else:
                await self._accompany(child)
                shares.forget(number)
                forget_gauges(child.pid, metrics)
                failure, has_answered = child.failure, child.is_ready
            if self._ending.is_set():
                return
            was_quick = not has_answered or monotonic() - began < _QUICK_S
            quick_ends = quick_ends + 1 if was_quick else 0
            self._give_up_if_hopeless(failure, quick_ends)
            await self._pause(_PAUSE_S * 2 ** min(quick_ends, 8))

    async def _accompany(self, child: Child) -> None:
        """Hear what it says until it has ended."""
        self._children.add(child)
        if self._ending.is_set():
            child.send(signal.SIGTERM)
        async for news in child.news():
            if news == "ready":
                self._have_answered = True
            elif news == "reload":
                self._pass_on(signal.SIGHUP, but=child)
            else:
                self._pass_on(signal.SIGUSR1, but=child)
        status = await child.ended()
        self._children.discard(child)
        if not self._ending.is_set():
            _log.error("Worker %d ended with status %d%s.", child.pid, status, child.reason)

    def _give_up_if_hopeless(self, failure: str | None, quick_ends: int) -> None:
        """While another one answers, there is something to lose; then it is tried again and again."""
        if any(other.is_ready for other in self._children):
            return
        if failure is not None and not self._have_answered:
            self._give_up(failure)
        elif quick_ends >= _PATIENCE:
            self._give_up(failure or f"{quick_ends} workers in a row ended too soon; the log above says why.")

    def _give_up(self, failure: str) -> None:
        self._failure = failure
        self._end()

    def _told_to_end(self, number: int) -> None:
        if self._ending.is_set():
            _log.warning("Told to end once more: ending at once.")
            self._told_twice = number
            self._kill()
        else:
            self._end()

    def _end(self) -> None:
        self._ending.set()
        for child in self._children:
            child.send(signal.SIGTERM)
        drain_s = self._settings.drain_ms / 1000
        loop = asyncio.get_running_loop()
        loop.call_later(drain_s, self._close)
        loop.call_later(drain_s + self._settings.grace_s + _SLACK_S, self._kill)

    def _close(self) -> None:
        close_the_door(self._listener)
        self._listener.close()  # the workers hold it open for as long as they take requests

    def _kill(self) -> None:
        for child in self._children:
            child.send(signal.SIGKILL)

    def _pass_on(self, number: signal.Signals, but: Child | None = None) -> None:
        for child in self._children - {but}:
            child.send_when_ready(number)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return


def forget_gauges(pid: int, metrics: str) -> None:
    """What a process counted still counts; what it measured, such as its queue's length, is no more."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - only when one has ended

    mark_process_dead(pid, metrics)  # type: ignore[no-untyped-call] # it has no types
