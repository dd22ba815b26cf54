import asyncio
import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest

from muffin_v_chihuahua_ml_service.errors import Overloaded
from muffin_v_chihuahua_ml_service.serving.admission import Admission


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Simulation:
    """A service of some lanes, each of which takes ``work_s`` for a picture, first come first served."""

    work_s: Callable[[float], float]
    parallel: int = 2
    max_wait_s: float = 0.5
    clock: Clock = field(default_factory=Clock)
    waits: list[float] = field(default_factory=list)
    refused: list[Overloaded] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.admission = Admission(
            max_wait_s=self.max_wait_s, max_bytes=10**9, parallel=self.parallel, clock=self.clock
        )
        self._free_at = [0.0] * self.parallel
        self._leaving: list[tuple[float, int, ExitStack]] = []

    def run(self, arrivals: Iterator[float]) -> None:
        for number, at in enumerate(arrivals):
            self._answer_until(at)
            self.clock.now = at
            try:
                self.admission.check()
            except Overloaded as error:
                self.refused.append(error)
                self.refused_at.append(at)
                continue
            stack = ExitStack()
            stack.enter_context(self.admission.admitted())
            begins = max(at, heapq.heappop(self._free_at))
            self.waits.append(begins - at)
            ends = begins + self.work_s(at)
            heapq.heappush(self._free_at, ends)
            heapq.heappush(self._leaving, (ends, number, stack))
        self._answer_until(float("inf"))

    def _answer_until(self, at: float) -> None:
        while self._leaving and self._leaving[0][0] <= at:
            ends, _, stack = heapq.heappop(self._leaving)
            self.clock.now = ends
            stack.close()
            self.answered_at.append(ends)


def regularly(rate: float, seconds: float, start: float = 0.0) -> Iterator[float]:
    return (start + number / rate for number in range(int(rate * seconds)))


@pytest.mark.parametrize(("work_s", "parallel"), [(0.1, 1), (0.01, 2), (0.1, 2), (0.1, 16)])
def test_at_three_times_the_capacity_nobody_waits_much_longer_than_allowed_and_nothing_idles(
    work_s: float, parallel: int
) -> None:
    capacity = parallel / work_s
    service = Simulation(lambda _: work_s, parallel)

    service.run(regularly(3 * capacity, 30))

    settled = service.waits[len(service.waits) // 4 :]
    assert max(settled) <= 0.5 + 2 * work_s
    assert sum(at <= 30 for at in service.answered_at) >= 0.97 * 30 * capacity
    assert len(service.refused) >= 1.9 * 30 * capacity


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_below_the_capacity_nobody_is_refused(rate: float) -> None:
    service = Simulation(lambda _: 0.01)

    service.run(regularly(rate * 200, 60))

    assert not service.refused


def test_a_burst_from_rest_is_let_in_as_far_as_it_can_be_answered_in_time() -> None:
    service = Simulation(lambda _: 0.01)
    service.run(regularly(20, 10))  # a quiet time before, in which it learns how long one takes
    quiet = len(service.waits)

    service.run(iter([20.0] * 1000))

    assert 90 <= len(service.waits) - quiet <= 110
    assert max(service.waits) <= 0.52


def test_it_learns_within_seconds_that_pictures_have_become_dearer() -> None:
    service = Simulation(lambda at: 0.005 if at < 10 else 0.05)

    service.run(regularly(1000, 30))

    cheap = 10 * 400 + 200  # answered in ten seconds, and waiting at their end
    let_in_as_cheap = 200  # half a second's worth, before the first dear one was begun
    assert max(service.waits[:cheap]) <= 0.52
    assert max(service.waits[cheap + let_in_as_cheap + 2 * 40 :]) <= 0.6


def test_after_the_rush_the_next_one_is_let_in_at_once() -> None:
    service = Simulation(lambda _: 0.01)
    service.run(regularly(600, 5))
    waited = len(service.waits)

    service.run(iter([6.0]))

    assert service.waits[waited:] == [0.0]


def test_before_the_first_answer_it_guesses_carefully() -> None:
    service = Simulation(lambda _: 0.02)

    service.run(iter([0.0] * 1000))

    assert 5 <= len(service.waits) <= 60


def test_a_refusal_says_how_long_and_when_to_come_again() -> None:
    service = Simulation(lambda _: 1.0, parallel=1, max_wait_s=5)
    service.run(regularly(0.5, 100))
    service.run(iter([200.0] * 50))

    error = service.refused[0]

    assert error.reason == "wait"
    assert error.retry_after_s >= 6
    assert f"{service.admission.estimated_wait_s:.0f}" == "0"
    assert "would wait 6000 ms, and 5000 ms are allowed" in str(error)


def test_retry_after_is_at_least_a_second() -> None:
    service = Simulation(lambda _: 0.01)
    service.run(regularly(600, 5))

    assert {error.retry_after_s for error in service.refused} == {1}


def test_retry_after_is_at_most_a_minute_after_a_standstill_of_any_length() -> None:
    for standstill_s in (100, 1_000, 1_000_000):
        clock = Clock()
        admission = Admission(max_wait_s=1, max_bytes=1, parallel=1, clock=clock)
        with admission.admitted():
            clock.now += standstill_s
            with admission.admitted(), pytest.raises(Overloaded) as refusal:
                admission.check()

        assert refusal.value.retry_after_s == 60


def test_a_caller_with_less_time_than_the_wait_is_refused() -> None:
    clock = Clock()
    admission = Admission(max_wait_s=10, max_bytes=1, parallel=1, clock=clock)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(admission.admitted())
        assert admission.inside == 10
        admission.check(remaining_s=0.3)
        with pytest.raises(Overloaded, match="100 ms are allowed"):
            admission.check(remaining_s=0.1)


def test_bytes_are_counted_until_they_are_let_go() -> None:
    admission = Admission(max_wait_s=1, max_bytes=100, parallel=1)

    with admission.bytes_held(60) as one:
        one(60)
        with admission.bytes_held(40) as other:
            other(30)
            other(10)
            with pytest.raises(Overloaded, match="holds 60 bytes") as refusal:
                other(1)
            with pytest.raises(Overloaded, match="holds 100 bytes"):
                admission.bytes_held(1).__enter__()
        with pytest.raises(Overloaded):
            admission.bytes_held(41).__enter__()
    with admission.bytes_held(1000) as alone:  # alone, even the largest body is let in
        alone(1000)

    assert refusal.value.reason == "bytes"
    assert refusal.value.retry_after_s == 1


def test_bytes_that_are_declared_and_never_come_keep_nobody_out() -> None:
    admission = Admission(max_wait_s=1, max_bytes=100, parallel=1)

    with ExitStack() as stack:
        for _ in range(25):
            stack.enter_context(admission.bytes_held(100))
        stack.enter_context(admission.bytes_held(100))(100)


def test_one_who_leaves_with_an_error_is_no_longer_inside() -> None:
    admission = Admission(max_wait_s=1, max_bytes=1, parallel=1)

    for error in (ValueError, asyncio.CancelledError):
        with suppress(error), admission.admitted():
            assert admission.inside == 1
            raise error

    assert admission.inside == 0
