"""The results as Markdown, and their place in the README."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .aims import PLAIN, Verdict, cpu, judge, p50, p99, rate, ratio
from .errors import ResultsUnusable
from .machine import Machine
from .measures import CALLERS, OVERLOAD
from .outcomes import Load
from .pictures import SIZES, Size
from .results import Measure, Overload, Results, typical

BEGIN = "<!-- numbers: what `make bench` measured; it writes them anew -->"
END = "<!-- /numbers -->"

_Titles = dict[str, str]


def write_into(readme: Path, text: str) -> None:
    """Put the text between the README's two marks.

    Raises:
        ResultsUnusable: it does not have them.
    """
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ResultsUnusable(f"{readme} needs the lines {BEGIN!r} and {END!r}, between which the tables go.")
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def markdown(results: Results, titles: _Titles) -> str:
    """All tables; ``titles`` has the names of the systems in their order."""
    parts = [
        _conditions(results, titles),
        *(_throughput(results, titles, size) for size in SIZES),
        _overload(results, titles),
        _footprint(results, titles),
        _aims(judge(results)),
    ]
    return "\n".join(part for part in parts if part)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table under its title; nothing where it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"**{title}**", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines, ""])


def _number(value: float | None, digits: int = 0) -> str:
    if value is None:
        return ""
    return f"{value:,.{digits}f}" if math.isfinite(value) else "none"


def _times(value: float | None) -> str:
    return f"{value:.2f} x" if value is not None and math.isfinite(value) else ""


def _conditions(results: Results, titles: _Titles) -> str:
    machine = results.machine
    days = ", ".join(f"{measure.value} {day}" for measure, day in results.measured.items())
    where = f"{machine.cores} cores of {machine.processor}, {machine.memory_gb} GB, {machine.system}"
    lines = [
        f"Measured on {where}, with {machine.pictures}, the load on {machine.generator}.",
        f"Days: {days}.",
        *_versions(machine, titles),
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _versions(machine: Machine, titles: _Titles) -> Iterable[str]:
    for system, versions in machine.versions.items():
        yield f"{titles[system]}: {', '.join(f'{name} {version}' for name, version in versions.items())}."


_THROUGHPUT = (
    "callers",
    "service",
    "predictions/s",
    "to plain",
    "p50 ms",
    "p99 ms",
    "CPU s per 1000",
    "to plain",
    "refused",
    "lost",
)


def _throughput(results: Results, titles: _Titles, size: Size) -> str:
    width, height = size.pixels
    rows = [
        [str(callers), title, *_line(loads, results.loads(PLAIN, size.name, callers))]
        for callers in CALLERS
        for system, title in titles.items()
        if (loads := results.loads(system, size.name, callers))
    ]
    return table(f"{size.name}, {width} x {height}", _THROUGHPUT, rows)


def _line(loads: Sequence[Load], plain: Sequence[Load]) -> list[str]:
    def to_plain(value: Callable[[Load], float | None]) -> str:
        return _times(ratio(typical(loads, value), typical(plain, value)))

    return [
        _number(typical(loads, rate), 1),
        to_plain(rate),
        _number(typical(loads, p50), 1),
        _number(typical(loads, p99), 1),
        _number(typical(loads, cpu), 1),
        to_plain(cpu),
        _number(sum(load.count("429") for load in loads)),
        _number(sum(load.lost for load in loads)),
    ]


_OVERLOAD = (
    "service",
    "capacity/s",
    "asked/s",
    "answered/s",
    "of capacity",
    "p50 ms",
    "p99 ms",
    "refused",
    "p50 ms of refusals",
    "lost",
    "normal again after s",
)


def _overload(results: Results, titles: _Titles) -> str:
    rows = [
        [title, *_storm(rounds)] for system, title in titles.items() if (rounds := results.overloads(system))
    ]
    return table(f"overload: photos at {OVERLOAD} times the capacity", _OVERLOAD, rows)


def _storm(rounds: Sequence[Overload]) -> list[str]:
    asked = sum(row.load.requests for row in rounds)
    refusals = [row.load.results["429"].p50 for row in rounds if row.load.count("429")]
    return [
        _number(typical(rounds, lambda row: row.capacity)),
        _number(typical(rounds, lambda row: row.rate)),
        _number(typical(rounds, lambda row: row.load.rate)),
        _times(typical(rounds, lambda row: row.load.rate / row.capacity)),
        _number(typical(rounds, lambda row: p50(row.load))),
        _number(typical(rounds, lambda row: p99(row.load))),
        f"{sum(row.load.count('429') for row in rounds) / asked:.0%}",
        _number(typical(refusals, float), 1),
        f"{sum(row.neither for row in rounds) / asked:.1%}",
        _number(typical(rounds, lambda row: row.normal_after_s), 1).replace("none", "never"),
    ]


def _footprint(results: Results, titles: _Titles) -> str:
    memory = sorted({each.after for each in (*results.memory, *results.soak)})
    head = ("service", "cold start s (median, range)", *(f"MB after {after:,}" for after in memory))
    rows = [
        [title, *numbers]
        for system, title in titles.items()
        if any(
            numbers := [
                _starts(results.cold_starts(system)),
                *(_megabytes(results, system, each) for each in memory),
            ]
        )
    ]
    return table("start and memory", head, rows)


def _starts(seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    return f"{_number(typical(seconds, float), 2)} ({min(seconds):.2f} - {max(seconds):.2f})"


def _megabytes(results: Results, system: str, after: int) -> str:
    found = results.megabytes(Measure.MEMORY, system, after)
    return _number(found if found is not None else results.megabytes(Measure.SOAK, system, after))


def _aims(verdicts: Sequence[Verdict]) -> str:
    rows = [
        [each.aim.sentence, f"{each.aim.kind} {each.aim.limit:g}{each.aim.unit}", each.number, each.word]
        for each in verdicts
    ]
    return table("aims", ("aim", "to be", "measured", ""), rows)
