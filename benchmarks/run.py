"""The benchmark: `make bench`, or `python -m benchmarks.run --help` with the environments that it makes."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from .aims import judge
from .answers import check_answers
from .command import run_command
from .machine import Machine
from .measures import FULL, QUICK, Bench, cold_starts, memory, overload, soak, throughput
from .pictures import read_pictures
from .results import Measure, Results
from .systems import BUNDLE, STANDARD, System, all_systems
from .tables import markdown, write_into

MEASURES: dict[Measure, Callable[[Bench], list[Any]]] = {
    Measure.THROUGHPUT: throughput,
    Measure.OVERLOAD: overload,
    Measure.COLD: cold_starts,
    Measure.MEMORY: memory,
    Measure.SOAK: soak,
}
BY_DEFAULT = (Measure.THROUGHPUT, Measure.OVERLOAD, Measure.COLD, Measure.MEMORY)
"""The soak takes minutes of its own."""

README = Path(__file__).parent / "README.md"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def measure(  # noqa: PLR0913 - a command's options
    *,
    quick: Annotated[
        bool, typer.Option(help="Seconds instead of minutes, to try it; the README stays.")
    ] = False,
    only: Annotated[
        list[Measure] | None, typer.Option(help="A measure; may be given more than once.")
    ] = None,
    systems: Annotated[list[str] | None, typer.Option(help="A system; likewise.")] = None,
    photos: Annotated[Path, typer.Option(help="A folder with full/*/*.jpg.")] = Path("../shared/data/photos"),
    environments: Annotated[Path, typer.Option(help="A virtual environment for each system.")] = Path(
        "build/bench"
    ),
    model: Annotated[Path, typer.Option(help="The bundle.")] = BUNDLE,
    out: Annotated[Path, typer.Option(help="The folder for results and logs.")] = Path("build/bench"),
    readme: Annotated[Path, typer.Option(help="Where the tables go.")] = README,
    strict: Annotated[bool, typer.Option("--assert", help="Status 1 if an aim is missed.")] = False,
) -> None:
    """Measure this service beside a plain one and LitServe, in turn, on this machine."""
    kind = "photographs" if photos.is_dir() else "the gallery's drawings"
    known = all_systems(environments, model)
    chosen = _chosen(known, systems)
    bench = Bench(
        chosen,
        QUICK if quick else FULL,
        cache(lambda size: read_pictures(photos, out / "pictures", size)),
        out / "logs",
        typer.echo,
    )
    path = out / ("quick.json" if quick else "results.json")
    results = Results.read(path, Machine.here(_chosen(known, None), kind))
    typer.echo(f"All systems name the same winner for {check_answers(bench)} photos.")
    for each in only or BY_DEFAULT:
        results = _measured(results, each, bench)
        results.write(path)  # what has been measured is kept if the next one fails
    text = markdown(results, {system.name: system.title for system in known})
    if quick:
        typer.echo(f"\n{text}")
    else:
        write_into(readme, text)
    _say_verdicts(results, strict=strict)


def _chosen(systems: Sequence[System], names: Sequence[str] | None) -> list[System]:
    unknown = set(names or ()) - {system.name for system in systems}
    if unknown:
        known = ", ".join(system.name for system in systems)
        raise typer.BadParameter(f"There is no system {', '.join(sorted(unknown))}; there are {known}.")
    return [system for system in systems if system.name in (names or STANDARD)]


def _measured(results: Results, measure: Measure, bench: Bench) -> Results:
    """The results with this measure's rows in place of earlier ones."""
    rows = MEASURES[measure](bench)
    days = results.measured | {measure: datetime.now(tz=UTC).date().isoformat()}
    return results.model_copy(update={measure.value: rows, "measured": days})


def _say_verdicts(results: Results, *, strict: bool) -> None:
    verdicts = judge(results)
    for each in verdicts:
        aim = each.aim
        typer.echo(f"{each.word:12}  {aim.sentence}: {each.number} ({aim.kind} {aim.limit:g}{aim.unit})")
    if strict and any(each.met is False for each in verdicts):
        raise typer.Exit(1)


def main() -> None:
    """Run this benchmark's command."""
    run_command(app)


if __name__ == "__main__":
    main()
