"""What the open page has seen of the service in the last minutes."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from muffin_v_chihuahua.histogram import Histogram
from muffin_v_chihuahua.measured import Measured

KEPT = 150
"""Looks; with one every two seconds these are five minutes."""

LONGEST_S = 60.0
"""After a longer time without a look, what there was before is no longer the last minutes."""


@dataclass(frozen=True)
class Step:
    """What came between two looks, and what was measured at the second."""

    at: datetime
    seconds: float
    requests: float
    latency: Histogram
    waiting: float | None
    memory: float | None

    @property
    def per_second(self) -> float:
        """Requests."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0


@dataclass
class History:
    """The last looks, and since when the service is as it is."""

    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=KEPT))
    _was_up: bool | None = None
    _since: datetime | None = None
    _last: tuple[datetime, float, Histogram] | None = None

    def saw(self, now: datetime, *, is_up: bool) -> datetime:
        """The service is up, or it is not: since when, as far as this page has seen."""
        if self._since is None or self._was_up is not is_up:
            self._was_up, self._since = is_up, now
        return self._since

    def read(self, now: datetime, measured: Measured) -> None:
        """The service has shown its numbers."""
        if self._last is not None:
            self._add(now, measured, *self._last)
        self._last = now, measured.requests, measured.latency

    def _add(
        self, now: datetime, measured: Measured, before: datetime, requests: float, latency: Histogram
    ) -> None:
        seconds = (now - before).total_seconds()
        if seconds > LONGEST_S:
            self.steps.clear()
            return
        # fewer than before: the service began again, at zero
        came = measured.requests - requests if measured.requests >= requests else measured.requests
        since = measured.latency.since(latency)
        self.steps.append(Step(now, seconds, came, since, measured.waiting, measured.memory))

    @property
    def per_second(self) -> float | None:
        """Requests on the average of the last minutes; None before the second look."""
        seconds = sum(step.seconds for step in self.steps)
        return sum(step.requests for step in self.steps) / seconds if seconds > 0 else None

    @property
    def latency(self) -> Histogram:
        """Of what was answered in the last minutes."""
        return sum((step.latency for step in self.steps), Histogram())
