"""What the service is meant to reach, as ratios within one run, and whether it does."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .measures import FULL
from .outcomes import Load
from .pictures import CAMERA, PHOTO
from .results import Measure, Overload, Results, typical

OURS, PLAIN = "ours", "plain"

_LARGE = 50
"""From here on, nobody reads what is behind the point."""

_Value = Callable[[Results], float | None]


@dataclass(frozen=True)
class Aim:
    """A number that is to be at least or at most so much; it is None where it was not measured."""

    sentence: str
    value: _Value
    kind: Literal["at least", "at most", "under"]
    limit: float
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """What came of an aim."""

    aim: Aim
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether it was reached; None where it was not measured."""
        if self.measured is None:
            return None
        if self.aim.kind == "under":
            return self.measured < self.aim.limit
        return (
            self.measured >= self.aim.limit
            if self.aim.kind == "at least"
            else self.measured <= self.aim.limit
        )

    @property
    def word(self) -> str:
        """The same as a word."""
        return {True: "met", False: "missed", None: "not measured"}[self.met]

    @property
    def number(self) -> str:
        """What was measured, to be read."""
        if self.measured is None:
            return "-"
        if math.isfinite(self.measured):
            return f"{self.measured:,.{0 if self.measured >= _LARGE else 2}f}{self.aim.unit}"
        return "beyond measure" if self.aim.kind == "at least" else "never"


def rate(load: Load) -> float | None:
    """Predictions a second."""
    return load.rate


def cpu(load: Load) -> float | None:
    """The server's CPU seconds for 1000 predictions."""
    return load.cpu_per_1000


def p50(load: Load) -> float | None:
    """The median latency of what was answered."""
    return load.latency.p50 if load.latency else None


def p99(load: Load) -> float | None:
    """The latency that one answer in a hundred exceeds."""
    return load.latency.p99 if load.latency else None


def ratio(above: float | None, below: float | None) -> float | None:
    """The one to the other; infinite where nothing is left below, None where one was not measured."""
    if above is None or below is None:
        return None
    return above / below if below else math.inf


def _to_plain(size: str, callers: int, value: Callable[[Load], float | None]) -> _Value:
    return lambda results: ratio(
        typical(results.loads(OURS, size, callers), value),
        typical(results.loads(PLAIN, size, callers), value),
    )


def _to_fastest_peer(results: Results) -> float | None:
    peers = {each.system for each in results.throughput} - {OURS}
    medians = [typical(results.loads(peer, PHOTO.name, 1), p50) for peer in peers]
    return ratio(
        typical(results.loads(OURS, PHOTO.name, 1), p50),
        min((each for each in medians if each is not None), default=None),
    )


def _to_own_median(results: Results) -> float | None:
    loads = results.loads(OURS, PHOTO.name, 8)
    return ratio(typical(loads, p99), typical(loads, p50))


def _overload(value: Callable[[Overload], float | None]) -> _Value:
    return lambda results: typical(results.overloads(OURS), value)


def _refusal_p50(row: Overload) -> float | None:
    return row.load.results["429"].p50 if row.load.count("429") else None


def _lost(results: Results) -> float | None:
    rows = results.overloads(OURS)
    return sum(row.neither for row in rows) if rows else None


def _cold_start(results: Results) -> float | None:
    return typical(results.cold_starts(OURS), float)


def _megabytes(results: Results) -> float | None:
    return results.megabytes(Measure.MEMORY, OURS, FULL.memory)


def _growth(results: Results) -> float | None:
    return ratio(
        results.megabytes(Measure.SOAK, OURS, FULL.soak),
        results.megabytes(Measure.SOAK, OURS, FULL.memory),
    )


AIMS: Sequence[Aim] = (
    Aim("photos, 8 callers: throughput to plain's", _to_plain(PHOTO.name, 8, rate), "at least", 1.6),
    Aim("photos, 32 callers: throughput to plain's", _to_plain(PHOTO.name, 32, rate), "at least", 1.6),
    Aim("photos, 8 callers: CPU seconds to plain's", _to_plain(PHOTO.name, 8, cpu), "at most", 0.7),
    Aim("photos, 32 callers: CPU seconds to plain's", _to_plain(PHOTO.name, 32, cpu), "at most", 0.7),
    Aim("photos, 8 callers: p99 to p50", _to_own_median, "under", 2),
    Aim("photos, one caller: p50 to the fastest peer's", _to_fastest_peer, "under", 1),
    Aim("12 megapixels, 8 callers: throughput to plain's", _to_plain(CAMERA.name, 8, rate), "at least", 3.5),
    Aim("12 megapixels, 32 callers: throughput to plain's", _to_plain(CAMERA.name, 32, rate), "at least", 4),
    Aim("overload: p99 of the answered", _overload(lambda row: p99(row.load)), "at most", 1000, " ms"),
    Aim(
        "overload: answered, of the capacity",
        _overload(lambda row: row.load.rate / row.capacity),
        "at least",
        0.9,
    ),
    Aim("overload: median of the refusals", _overload(_refusal_p50), "under", 50, " ms"),
    Aim("overload: neither answered nor refused", _lost, "at most", 0, " requests"),
    Aim("overload: latency normal after", _overload(lambda row: row.normal_after_s), "at most", 1, " s"),
    Aim("cold start to the first prediction", _cold_start, "under", 1.5, " s"),
    Aim("memory after 10,000 photos", _megabytes, "under", 300, " MB"),
    Aim("memory after 50,000 photos to that after 10,000", _growth, "at most", 1.05),
)


def judge(results: Results) -> list[Verdict]:
    """The verdict for every aim."""
    return [Verdict(aim, aim.value(results)) for aim in AIMS]
