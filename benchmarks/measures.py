"""The measures, each over all systems in turn: only one of them runs at a time."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, sleep

from .errors import SystemFailed
from .load import Target, arrivals_load, callers_load, run
from .outcomes import Load
from .pictures import CAMERA, PHOTO, SIZES, THUMBNAIL, Size
from .results import ColdStart, Memory, Overload, Throughput
from .systems import Running, System, running

CALLERS = (1, 8, 32)

OVERLOAD = 3
"""Times the capacity."""

RECOVERED = 1.5
"""Times the latency of before that counts as normal again."""

_LOOK_S = 0.25
_SLICE_S = 1.0


ONE_WORKER = {"ML_SERVICE_WORKERS": "1"}
"""Memory is measured of one process, as each more is another of the same; the peers know no such variable."""


@dataclass(frozen=True)
class Plan:
    """How long everything is measured."""

    rounds: int
    warm_up: float
    thumbnail: float
    photo: float
    camera: float
    overload: float
    recovery: float
    starts: int
    memory: int
    soak: int
    rest: float

    def seconds(self, size: Size) -> float:
        """How long callers with pictures of this size are measured."""
        return {THUMBNAIL: self.thumbnail, PHOTO: self.photo, CAMERA: self.camera}[size]


FULL = Plan(
    rounds=2,
    warm_up=1,
    thumbnail=2,
    photo=5,
    camera=5,
    overload=15,
    recovery=30,
    starts=5,
    memory=10_000,
    soak=50_000,
    rest=5,
)
QUICK = Plan(
    rounds=1,
    warm_up=0.5,
    thumbnail=1,
    photo=2,
    camera=4,
    overload=4,
    recovery=10,
    starts=1,
    memory=300,
    soak=900,
    rest=1,
)


@dataclass(frozen=True)
class Bench:
    """What the measures need: the systems, the pictures of a size, and where to say what is going on."""

    systems: Sequence[System]
    plan: Plan
    pictures: Callable[[Size], Sequence[bytes]]
    logs: Path
    say: Callable[[str], None]

    def turns(self, rounds: int) -> Iterator[Sequence[System]]:
        """The systems for each round, in turn forwards and backwards, so that no one always comes first."""
        for number in range(rounds):
            yield self.systems if number % 2 == 0 else self.systems[::-1]

    def start(self, system: System) -> AbstractContextManager[Running]:
        """The system, started and ready."""
        return running(system, self.pictures(PHOTO)[0], self.logs)


def throughput(bench: Bench) -> list[Throughput]:
    """Predictions a second, latencies and CPU seconds for each size of picture and number of callers."""
    return [
        row
        for systems in bench.turns(bench.plan.rounds)
        for size in SIZES
        for system in systems
        for row in _throughput(bench, system, size)
    ]


def _throughput(bench: Bench, system: System, size: Size) -> Iterator[Throughput]:
    seconds = bench.plan.seconds(size)
    with bench.start(system) as service:
        target = service.target(bench.pictures(size))
        for callers in CALLERS:
            load = run(callers_load(target, callers, seconds=seconds, warm_up=bench.plan.warm_up))
            bench.say(f"{system.name}, {size.name}, {callers} callers: {load.rate:.1f}/s")
            yield Throughput(system=system.name, size=size.name, callers=callers, load=load)


def overload(bench: Bench) -> list[Overload]:
    """What becomes of requests that come three times as fast as they can be answered, and how it ends."""
    return [_overload(bench, system) for systems in bench.turns(bench.plan.rounds) for system in systems]


def _overload(bench: Bench, system: System) -> Overload:
    plan = bench.plan
    with bench.start(system) as service:
        target = service.target(bench.pictures(PHOTO))
        many = [
            run(callers_load(target, callers, seconds=plan.photo, warm_up=plan.warm_up))
            for callers in CALLERS[1:]
        ]
        capacity = max(load.rate for load in many)
        lone = run(callers_load(target, 1, seconds=plan.photo / 2)).latency
        if not capacity or not lone:
            raise SystemFailed(f"{system.title} answers no photo, so that it cannot be overloaded.")
        load, normal_after = run(_storm(target, capacity * OVERLOAD, lone.p50 * RECOVERED, plan))
    bench.say(f"{system.name}, overloaded: {load.rate:.1f}/s of {capacity:.1f}/s")
    return Overload(
        system=system.name,
        capacity=capacity,
        rate=capacity * OVERLOAD,
        normal_ms=lone.p50,
        load=load,
        normal_after_s=normal_after,
    )


async def _storm(target: Target, rate: float, limit_ms: float, plan: Plan) -> tuple[Load, float | None]:
    """The overload, and how long after it a lone caller has a latency of at most ``limit_ms`` again."""
    storm = asyncio.create_task(arrivals_load(target, rate, seconds=plan.overload))
    await asyncio.sleep(plan.overload)
    normal_after = await _calm(target, limit_ms, plan.recovery)
    return await storm, normal_after


async def _calm(target: Target, limit_ms: float, patience: float) -> float | None:
    begun = perf_counter()
    while (waited := perf_counter() - begun) < patience:
        latency = (await callers_load(target, 1, seconds=_LOOK_S)).latency
        if latency and latency.p50 <= limit_ms:
            return waited
    return None


def cold_starts(bench: Bench) -> list[ColdStart]:
    """From the process's start to its first prediction; the machine has the files in its memory."""
    return [_cold_start(bench, system) for systems in bench.turns(bench.plan.starts) for system in systems]


def _cold_start(bench: Bench, system: System) -> ColdStart:
    with bench.start(system) as service:
        bench.say(f"{system.name}, cold start: {service.cold_start_s:.2f} s")
        return ColdStart(system=system.name, seconds=service.cold_start_s)


def memory(bench: Bench) -> list[Memory]:
    """Proportional memory at rest: after the first prediction, and after many."""
    return [row for system in bench.systems for row in _memory(bench, system, (1, bench.plan.memory))]


def soak(bench: Bench) -> list[Memory]:
    """The same after many more."""
    steps = (1, bench.plan.memory, bench.plan.soak)
    return [row for system in bench.systems for row in _memory(bench, system, steps)]


def _memory(bench: Bench, system: System, steps: Sequence[int]) -> Iterator[Memory]:
    with bench.start(replace(system, variables=system.variables | ONE_WORKER)) as service:
        target, predictions = service.target(bench.pictures(PHOTO)), 1
        for step in steps:
            while predictions < step:
                predictions += _some(target, system)
            sleep(bench.plan.rest)
            row = Memory(
                system=system.name, after=step, predictions=predictions, megabytes=service.megabytes()
            )
            bench.say(f"{system.name}, after {predictions} predictions: {row.megabytes:.0f} MB")
            yield row


def _some(target: Target, system: System) -> int:
    predictions = run(callers_load(target, CALLERS[1], seconds=_SLICE_S)).in_time
    if not predictions:
        raise SystemFailed(f"{system.title} answers no more photos.")
    return predictions
