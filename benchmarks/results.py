"""What was measured: every round of it, written as JSON, and the medians that the tables show."""

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import ResultsUnusable
from .machine import Machine
from .outcomes import Load

_T = TypeVar("_T")


class Measure(StrEnum):
    """What can be measured; each is a field of ``Results``."""

    THROUGHPUT = "throughput"
    OVERLOAD = "overload"
    COLD = "cold"
    MEMORY = "memory"
    SOAK = "soak"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)

    system: str


class Throughput(_Row):
    """So many callers with pictures of one size, in one round."""

    size: str
    callers: int
    load: Load


class Overload(_Row):
    """More requests than the system can answer, in one round."""

    capacity: float
    """Predictions a second that it gave to callers who wait, just before."""
    rate: float
    normal_ms: float
    """The median of a lone caller's latency, just before."""
    load: Load
    normal_after_s: float | None
    """When a lone caller had that latency again, at most half as much more; nothing if it never had."""

    @property
    def neither(self) -> int:
        """Requests that were neither answered nor told to come back."""
        return self.load.requests - self.load.count("200") - self.load.count("429")


class ColdStart(_Row):
    """From the process's start to its first prediction."""

    seconds: float


class Memory(_Row):
    """Proportional memory at rest, after so many predictions since the start."""

    after: int
    predictions: int
    megabytes: float


class Results(BaseModel):
    """All rounds of all that was measured on one machine; ``measured`` has the day of each measure."""

    machine: Machine
    measured: dict[Measure, str] = {}
    throughput: list[Throughput] = []
    overload: list[Overload] = []
    cold: list[ColdStart] = []
    memory: list[Memory] = []
    soak: list[Memory] = []

    @classmethod
    def read(cls, path: Path, machine: Machine) -> Self:
        """What was written before, if it was on the same machine with the same versions; else nothing.

        Raises:
            ResultsUnusable: the file is of another format.
        """
        if not path.exists():
            return cls(machine=machine)
        try:
            before = cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ResultsUnusable(f"{path} has another format; remove it.") from error
        return before if before.machine == machine else cls(machine=machine)

    def write(self, path: Path) -> None:
        """Write them where ``read`` finds them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n")

    def loads(self, system: str, size: str, callers: int) -> list[Load]:
        """The rounds of one line of the table."""
        return [
            each.load
            for each in self.throughput
            if (each.system, each.size, each.callers) == (system, size, callers)
        ]

    def overloads(self, system: str) -> list[Overload]:
        """The rounds of one system."""
        return [each for each in self.overload if each.system == system]

    def cold_starts(self, system: str) -> list[float]:
        """Every start of one system, in seconds."""
        return [each.seconds for each in self.cold if each.system == system]

    def megabytes(
        self, measure: Literal[Measure.MEMORY, Measure.SOAK], system: str, after: int
    ) -> float | None:
        """What one system held at rest after so many predictions."""
        rows = self.memory if measure is Measure.MEMORY else self.soak
        return next((each.megabytes for each in rows if (each.system, each.after) == (system, after)), None)


def typical(rows: Iterable[_T], value: Callable[[_T], float | None]) -> float | None:
    """The median over the rounds; infinite where a round has no value, nothing where there are no rounds."""
    values = [math.inf if (each := value(row)) is None else each for row in rows]
    return median(values) if values else None
