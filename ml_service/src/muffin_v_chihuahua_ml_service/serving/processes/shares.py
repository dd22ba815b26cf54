"""Who takes the next connection: the worker that has the fewest.

Left to the kernel, whoever wakes first takes all that have come in the same millisecond: sixteen callers who
keep their connections then all ask one of two workers, and the other one idles for as long as they stay.
"""

import asyncio
import logging
import mmap
import socket
from array import array
from collections.abc import Callable, Coroutine
from tempfile import TemporaryFile
from typing import IO, Any, Self

from ..unwritten import NOTHING, Unwritten

_NOBODY = -1

_LOOK_AGAIN_S = 0.001

_PATIENCE_S = 0.1
"""The others have so long for connections that are theirs to take; then whoever waited takes all of them.

An event loop that reads pictures of 4 MB beside threads that decode others is busy for tens of milliseconds.
"""

_SLACK = 8
"""One may have an eighth more than another, so that hundreds who come at once are not taken one by one."""

_PAUSE_S = 1.0
"""Before the next try where there are no file descriptors left."""

_log = logging.getLogger(__name__)


class Shares:
    """How many connections each worker has, and since when it has predictions to write, in shared memory."""

    def __init__(self, count: int) -> None:
        """Make room for the numbers of ``count`` workers."""
        self._file: IO[bytes] = TemporaryFile(buffering=0)  # noqa: SIM115 - as long as the workers
        self._file.write(array("q", [_NOBODY] * count + [NOTHING] * count))
        self._connections, self._oldest_ms = _numbers(self._file.fileno())

    def __enter__(self) -> Self:
        """Be there for the workers that start inside."""
        return self

    def __exit__(self, *_: object) -> None:
        """No worker starts any more; those that have go on sharing."""
        self._file.close()

    @property
    def descriptor(self) -> int:
        """What a worker opens its share with."""
        return self._file.fileno()

    def forget(self, worker: int) -> None:
        """This worker has ended, takes nothing and writes nothing."""
        self._connections[worker] = _NOBODY
        self._oldest_ms[worker] = NOTHING


class Share:
    """One worker's view: its own number, and whether it is the smallest."""

    def __init__(self, descriptor: int, worker: int) -> None:
        """Be the worker with this number; it takes nothing yet."""
        self._connections, oldest_ms = _numbers(descriptor)
        self._worker = worker
        self.unwritten = Unwritten(oldest_ms, worker)

    def say(self, connections: int) -> None:
        """Let the others know how many connections this worker has."""
        self._connections[self._worker] = connections

    @property
    def is_small(self) -> bool:
        """Whether no worker that takes connections has far fewer."""
        least = min((each for each in self._connections if each != _NOBODY), default=0)
        return self._connections[self._worker] <= least + least // _SLACK

    def leave(self) -> None:
        """Take nothing any more."""
        self.say(_NOBODY)


class Door:
    """Takes connections from a socket that other workers take them from, too."""

    def __init__(
        self,
        listener: socket.socket,
        share: Share,
        serve: Callable[[socket.socket], Coroutine[Any, Any, Any]],
        count: Callable[[], int],
    ) -> None:
        """Begin to take them, in the running event loop.

        Args:
            listener: not blocking.
            share: what the workers know of each other.
            serve: begins to serve a connection that was taken.
            count: how many are being served.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._share = share
        self._serve = serve
        self._count = count
        self._beginning: set[asyncio.Task[Any]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        self.tell()
        self._watch()

    def tell(self) -> None:
        """Let the others know how many connections there are now."""
        self._share.say(self._count() + len(self._beginning))

    def close(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._listener)
        if self._waiting is not None:
            self._waiting.cancel()
        self._share.leave()

    def _watch(self) -> None:
        self._loop.add_reader(self._listener, self._somebody_knocks)

    def _somebody_knocks(self) -> None:
        if self._share.is_small:
            self._take()
        else:
            self._loop.remove_reader(self._listener)
            self._step_aside(self._loop.time() + _PATIENCE_S)

    def _step_aside(self, until: float) -> None:
        self._waiting = self._loop.call_later(_LOOK_AGAIN_S, self._look_again, until)

    def _look_again(self, until: float) -> None:
        if self._share.is_small:
            self._come_back()
        elif self._loop.time() < until:
            self._step_aside(until)
        else:
            self._come_back()
            while self._take():
                pass

    def _come_back(self) -> None:
        self._waiting = None
        self._watch()

    def _take(self) -> bool:
        """Take one; whether there was one."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            _log.error("Connections cannot be taken: %s.", error.strerror)
            self._loop.remove_reader(self._listener)
            self._waiting = self._loop.call_later(_PAUSE_S, self._come_back)
            return False
        connection.settimeout(0)
        task = self._loop.create_task(self._serve(connection))
        self._beginning.add(task)
        task.add_done_callback(self._has_begun)
        self.tell()
        return True

    def _has_begun(self, task: "asyncio.Task[Any]") -> None:
        self._beginning.discard(task)
        self.tell()


def _numbers(descriptor: int) -> "tuple[memoryview[int], memoryview[int]]":
    """Each worker's connections, and the time of its oldest prediction that is not written."""
    numbers = memoryview(mmap.mmap(descriptor, 0)).cast("q")
    workers = len(numbers) // 2
    return numbers[:workers], numbers[workers:]
