"""What this machine makes of a bundle: every way to run it, measured on the path that requests take."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from operator import attrgetter
from time import perf_counter, process_time

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from .errors import InvalidBundle
from .model.bundle import ModelBundle
from .model.engines import Candidate, find_candidates
from .model.predictor import Predictor, load_predictor
from .serving.inference import InferenceService
from .settings import EngineChoice, PrecisionChoice, Settings, usable_cores

CALLERS_PER_CORE = 4
"""So many callers at once keep every core busy."""

_NEVER_MS = 3_600_000


@dataclass(frozen=True)
class Layout:
    """How the cores are given to a network."""

    streams: int
    threads: int
    batch_size: int | None
    """None for what the engine does best with."""

    def __str__(self) -> str:
        """As a row of the table says it."""
        return f"{self.streams} x {self.threads}, batches of {self.batch_size}"


@dataclass(frozen=True)
class Measured:
    """What one way to run a bundle came to."""

    candidate: Candidate
    layout: Layout
    rate: float
    """Pictures a second with ``CALLERS_PER_CORE`` callers for each core."""
    cpu_ms: float
    """CPU milliseconds for a picture then."""
    p99_ms: float
    """The time that 99 of 100 pictures stay under then."""
    alone_ms: float
    """The median time of a picture with one caller."""


def layouts(cores: int, max_batch: int) -> list[Layout]:
    """The ways to give cores to a network that are worth trying, from many streams to many threads."""
    streams = sorted({cores, max(1, cores // 2), 1}, reverse=True)
    return [
        Layout(count, cores // count, size)
        for count in streams
        for size in sorted({1, max_batch, 2 * max_batch})
    ]


def measure(
    bundle: ModelBundle,
    pictures: Sequence[bytes],
    *,
    engine: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    seconds: float,
) -> Iterator[Measured]:
    """Measure each engine and precision that can run the bundle here, in each layout.

    Args:
        bundle: what is measured.
        pictures: encoded, asked about over and over; at least one.
        engine: one engine, or ``auto`` for all that are installed.
        precision: one precision, or ``auto`` for all that there are.
        seconds: how long each of the two measurements of a layout takes.

    Raises:
        EngineUnavailable: none can run it.
    """
    cores = usable_cores()
    for candidate in find_candidates(bundle, engine, precision).candidates:
        for layout in layouts(cores, _best_batch(bundle, candidate)):
            predictor = _load(bundle, candidate, layout)
            if predictor is not None:
                yield asyncio.run(_measure(candidate, layout, predictor, pictures, seconds))


def _best_batch(bundle: ModelBundle, candidate: Candidate) -> int:
    predictor = _load(bundle, candidate, Layout(1, 1, None))
    return 1 if predictor is None else predictor.max_batch


def _load(bundle: ModelBundle, candidate: Candidate, layout: Layout) -> Predictor | None:
    """None where the golden pictures refuse it: what may not be served need not be measured."""
    try:
        return load_predictor(
            bundle,
            candidate.engine,
            candidate.precision,
            threads=layout.threads,
            streams=layout.streams,
            batch_size=layout.batch_size,
        )
    except InvalidBundle:
        return None


async def _measure(
    candidate: Candidate, layout: Layout, predictor: Predictor, pictures: Sequence[bytes], seconds: float
) -> Measured:
    service = InferenceService(Settings(max_wait_ms=_NEVER_MS))
    await service.models.load(lambda: predictor)
    await _callers(service, 1, pictures, min(seconds, 0.3))
    alone = await _callers(service, 1, pictures, seconds)
    cpu = process_time()
    many = await _callers(service, CALLERS_PER_CORE * usable_cores(), pictures, seconds)
    cpu = process_time() - cpu
    await service.models.current.close()
    return Measured(
        candidate,
        layout,
        rate=len(many) / seconds,
        cpu_ms=cpu / len(many) * 1000,
        p99_ms=float(np.percentile(many, 99)) * 1000,
        alone_ms=float(np.median(alone)) * 1000,
    )


async def _callers(
    service: InferenceService, count: int, pictures: Sequence[bytes], seconds: float
) -> list[float]:
    """Seconds that each picture took while so many callers asked, one after another, for so long."""
    took: list[float] = []
    asked, end = cycle(pictures), perf_counter() + seconds

    async def ask() -> None:
        while (begun := perf_counter()) < end:
            await service.predict(next(asked))
            took.append(perf_counter() - begun)

    await asyncio.gather(*(ask() for _ in range(count)))
    return took


def print_measured(measured: Sequence[Measured], console: Console) -> None:
    """The table, the fastest first, and the settings that were best."""
    columns = ("engine", "in", "streams", "threads", "batch", "pictures/s", "CPU ms", "p99 ms", "alone ms")
    table = Table(*columns, box=SIMPLE, padding=(0, 1, 0, 0))
    for each in sorted(measured, key=lambda each: -each.rate):
        layout = (each.layout.streams, each.layout.threads, each.layout.batch_size)
        milliseconds = (f"{ms:.1f}" for ms in (each.cpu_ms, each.p99_ms, each.alone_ms))
        how = (each.candidate.engine, each.candidate.precision, *map(str, layout))
        table.add_row(*how, f"{each.rate:.0f}", *milliseconds)
    console.print(table)
    for purpose, best in (
        ("Most pictures a second", max(measured, key=attrgetter("rate"))),
        ("Least time for a lone caller", min(measured, key=attrgetter("alone_ms"))),
    ):
        console.print(f"{purpose}: {settings_line(best)}", soft_wrap=True)


def settings_line(best: Measured) -> str:
    """The environment that makes the service run like this."""
    return (
        f"ML_SERVICE_ENGINE={best.candidate.engine} ML_SERVICE_PRECISION={best.candidate.precision} "
        f"ML_SERVICE_STREAMS={best.layout.streams} ML_SERVICE_THREADS={best.layout.threads} "
        f"ML_SERVICE_BATCH_SIZE={best.layout.batch_size}"
    )
