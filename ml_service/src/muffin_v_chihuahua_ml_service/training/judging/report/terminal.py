"""An evaluation on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from .sentences import sentences
from .tables import Rows, behaviour_rows, label_rows, ladder_rows, metric_rows, outside_rows
from .wording import percent, with_interval

MOST_DIFFERENCES = 20
"""So many are printed; the report has all of them."""


def print_measures(measures: Mapping[str, Any]) -> None:
    """The tables and what they do not say."""
    console = Console(highlight=False)
    _print_table(console, metric_rows(measures))
    _print_table(console, label_rows(measures["all"]))
    if "outside" in measures:
        _print_table(console, outside_rows(measures["outside"]), "Pictures that show none of the classes")
    if behaviour := measures.get("behaviour"):
        title = f"The verdict on other versions of {behaviour['pictures']} pictures"
        _print_table(console, behaviour_rows(behaviour), title)
        _print_table(
            console, ladder_rows(behaviour), "The first verdict's probability, and what is said at last"
        )
    for sentence in sentences(measures):
        _print_line(console, sentence)


def print_comparison(comparison: Mapping[str, Any], names: tuple[str, str]) -> None:
    """Which of two bundles is better, and where they differ."""
    console = Console(highlight=False)
    for name, side in zip(names, ("one", "other"), strict=True):
        only = comparison[f"only_{side}_right"]
        accuracy = with_interval(comparison[side], "accuracy", 2)
        _print_line(console, f"{name}: {accuracy} of {comparison['pictures']}, alone right on {only}")
    _print_line(console, f"McNemar's exact test: p = {comparison['p_value']:.3g}")
    differences = comparison["differences"]
    for each in differences[:MOST_DIFFERENCES]:
        answers = ", ".join(
            f"{name} says {each[side]['label']} {percent(each[side]['probability'])}"
            for name, side in zip(names, ("one", "other"), strict=True)
        )
        _print_line(console, f"{each['path']} shows {each['truth']}: {answers}")
    if left := len(differences[MOST_DIFFERENCES:]):
        _print_line(console, f"and {left} more, all of them in comparison.json with --out")


def _print_line(console: Console, line: str) -> None:
    # as it is: no brackets taken for styles, no line broken where a program may read it
    console.print(line, markup=False, soft_wrap=True)


def _print_table(console: Console, rows: Rows, title: str | None = None) -> None:
    head, *body = rows
    table = Table(title=title, title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in body:
        table.add_row(*row)
    console.print(table)
