"""Loads: callers who each wait for their answer, or requests that come at their own pace.

Both run in callbacks of one event loop and start no task for a request.
"""

import asyncio
import importlib
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import cycle
from time import perf_counter
from typing import Any, TypeVar

from .connection import TIMEOUT_S, Address, Connection
from .outcomes import ANSWERED, TIMED_OUT, Load, Meter, Outcome, no_meter, watch

MAX_CONNECTIONS = 2000

_T = TypeVar("_T")

_PAUSE_S = 0.1
"""Before the next try where a request was lost, or refused without a Retry-After."""

_TICK_S = 0.001
"""The finest step of uvloop's clock; what became due meanwhile is sent at once, its time counted in full."""


@dataclass(frozen=True)
class Target:
    """A service, the requests that it gets in rotation, and what reads its CPU seconds."""

    address: Address
    requests: Sequence[bytes]
    meter: Meter = no_meter


def run(load: Coroutine[Any, Any, _T]) -> _T:
    """Run a load to its end, in uvloop's event loop where that is installed: it costs half as much."""
    uvloop = importlib.import_module("uvloop") if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None) as runner:
        return runner.run(load)


class _Callers:
    """So many callers; one who is refused waits as long as it is told."""

    def __init__(self, target: Target) -> None:
        self.outcomes: list[Outcome] = []
        self._loop = asyncio.get_running_loop()
        self._address = target.address
        self._requests = cycle(target.requests)
        self._open = True
        self._under_way = 0
        self._pausing: dict[Connection, asyncio.TimerHandle] = {}
        self._all_ended = asyncio.Event()

    def begin(self, callers: int) -> None:
        for _ in range(callers):
            self._ask(None)

    async def end(self) -> None:
        """Ask no more, and wait for what is under way."""
        self._open = False
        for connection, timer in self._pausing.items():
            timer.cancel()
            connection.close()
        if self._under_way:
            await self._all_ended.wait()

    def _ask(self, connection: Connection | None) -> None:
        if connection is None or not connection.usable:
            connection = Connection(self._loop, self._address, self._ended)
        self._under_way += 1
        connection.ask(next(self._requests), perf_counter())

    def _ended(self, connection: Connection, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._under_way -= 1
        if not self._open:
            connection.close()
            if not self._under_way:
                self._all_ended.set()
        elif outcome.result == ANSWERED:
            self._ask(connection)
        else:
            pause = outcome.retry_after or _PAUSE_S
            self._pausing[connection] = self._loop.call_later(pause, self._ask_again, connection)

    def _ask_again(self, connection: Connection) -> None:
        del self._pausing[connection]
        self._ask(connection)


async def callers_load(target: Target, callers: int, *, seconds: float, warm_up: float = 0.0) -> Load:
    """What so many callers get who ask again as soon as they have their answer.

    Args:
        target: the service, and what it is asked.
        callers: how many there are, each with a connection of its own.
        seconds: how long they are measured; what ends in this time counts.
        warm_up: how long they ask before that.
    """
    asking = _Callers(target)
    asking.begin(callers)
    await asyncio.sleep(warm_up)
    window = await watch(seconds, target.meter)
    await asking.end()
    return Load.of([each for each in asking.outcomes if window.holds(each)], window)


class _Arrivals:
    """Requests at a fixed rate, whether or not the earlier ones have been answered."""

    def __init__(self, target: Target, rate: float, connections: int) -> None:
        self.outcomes: list[Outcome] = []
        self._loop = asyncio.get_running_loop()
        self._address = target.address
        self._requests = cycle(target.requests)
        self._rate = rate
        self._may_open = connections
        self._idle: list[Connection] = []
        self._waiting: deque[float] = deque()
        self._begun = perf_counter()
        self._due = 0
        self._open = True
        self._all_ended = asyncio.Event()

    def tick(self) -> None:
        """Send what has become due."""
        now = perf_counter()
        while self._open and (due := self._begun + self._due / self._rate) <= now:
            self._due += 1
            self._waiting.append(due)
        self._send()
        if self._open:
            self._loop.call_later(max(due - now, _TICK_S), self.tick)

    async def end(self) -> None:
        """Let no more become due, and wait for what has."""
        self._open = False
        if len(self.outcomes) < self._due:
            await self._all_ended.wait()
        for connection in self._idle:
            connection.close()

    def _send(self) -> None:
        while self._waiting and (connection := self._free_connection()):
            due = self._waiting.popleft()
            if due + TIMEOUT_S > perf_counter():
                connection.ask(next(self._requests), due)
            else:
                self._record(Outcome(due, perf_counter(), TIMED_OUT))
                self._idle.append(connection)

    def _free_connection(self) -> Connection | None:
        while self._idle:
            if (connection := self._idle.pop()).usable:
                return connection
            self._may_open += 1
        if not self._may_open:
            return None
        self._may_open -= 1
        return Connection(self._loop, self._address, self._ended)

    def _ended(self, connection: Connection, outcome: Outcome) -> None:
        self._idle.append(connection)
        self._record(outcome)
        self._send()

    def _record(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if not self._open and len(self.outcomes) == self._due:
            self._all_ended.set()


async def arrivals_load(
    target: Target, rate: float, *, seconds: float, connections: int = MAX_CONNECTIONS
) -> Load:
    """What requests get that come at this rate, each counted from the moment at which it was due.

    A service that falls behind does not slow them down, so that its delays are seen in full ("coordinated
    omission", Gil Tene, 2013).

    Args:
        target: the service, and what it is asked.
        rate: requests a second.
        seconds: how long they come; all of them count, also those that end later.
        connections: the most that are open at once; what finds none waits for one, and its time runs.
    """
    arriving = _Arrivals(target, rate, connections)
    arriving.tick()
    window = await watch(seconds, target.meter)
    await arriving.end()
    return Load.of(arriving.outcomes, window)
