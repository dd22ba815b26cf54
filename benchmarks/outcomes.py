"""How requests ended, and what many of them come to."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Meter = Callable[[], float]
"""Reads a number that only grows, such as a server's CPU seconds."""


def no_meter() -> float:
    """For where nobody asks for the server's CPU seconds."""
    return 0.0


ANSWERED = "200"
REFUSED = "429"
TIMED_OUT = "timed out"
BROKEN = "broken"
"""How a request ends: the answer's status, or one of the last two where there was no answer.

A broken one is a connection that was refused or lost, or an answer that cannot be read.
"""


class Outcome(NamedTuple):
    """One request; the moments are those of ``perf_counter``, ``begun`` the one at which it was due."""

    begun: float
    ended: float
    result: str
    retry_after: float | None = None


class Latency(BaseModel):
    """How long the requests took that ended in one way, in milliseconds."""

    model_config = ConfigDict(frozen=True)

    requests: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Self:
        """The percentiles of at least one request."""
        p50, p95, p99 = map(float, np.percentile(milliseconds, [50, 95, 99]))
        return cls(requests=len(milliseconds), p50=p50, p95=p95, p99=p99)


@dataclass(frozen=True)
class Window:
    """A stretch of time, and the CPU seconds that the server and this process used in it."""

    begun: float
    ended: float
    server_cpu: float
    generator_cpu: float

    def holds(self, outcome: Outcome) -> bool:
        """Whether the request ended in it."""
        return self.begun <= outcome.ended <= self.ended


async def watch(seconds: float, meter: Meter) -> Window:
    """Let so many seconds pass."""
    begun, server, own = perf_counter(), meter(), process_time()
    await asyncio.sleep(seconds)
    return Window(begun, perf_counter(), meter() - server, process_time() - own)


class Load(BaseModel):
    """What a load came to; ``results`` has the latency for each way in which a request can end."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    server_cpu: float
    generator_cpu: float
    in_time: int = Field(description="Predictions that came before the load's seconds were over.")
    results: dict[str, Latency]
    retry_after: tuple[float, float] | None

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], window: Window) -> Self:
        """What these requests came to, of which some may have ended after the window."""
        took = defaultdict(list)
        for each in outcomes:
            took[each.result].append((each.ended - each.begun) * 1000)
        told = [each.retry_after for each in outcomes if each.retry_after is not None]
        return cls(
            seconds=window.ended - window.begun,
            server_cpu=window.server_cpu,
            generator_cpu=window.generator_cpu,
            in_time=sum(each.result == ANSWERED and window.holds(each) for each in outcomes),
            results={result: Latency.of(took[result]) for result in sorted(took)},
            retry_after=(min(told), max(told)) if told else None,
        )

    @property
    def requests(self) -> int:
        """All of them, however they ended."""
        return sum(each.requests for each in self.results.values())

    @property
    def lost(self) -> int:
        """Those that got no answer at all."""
        return self.count(TIMED_OUT) + self.count(BROKEN)

    @property
    def rate(self) -> float:
        """Predictions a second."""
        return self.in_time / self.seconds

    @property
    def cpu_per_1000(self) -> float | None:
        """The server's CPU seconds for 1000 predictions, if there were any."""
        return self.server_cpu / self.in_time * 1000 if self.in_time else None

    @property
    def latency(self) -> Latency | None:
        """Of those that got their prediction, if there were any."""
        return self.results.get(ANSWERED)

    def count(self, result: str) -> int:
        """How many requests ended in this way."""
        return self.results[result].requests if result in self.results else 0
