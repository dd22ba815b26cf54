"""What was asked of a bundle beside what it reached: for the gate's sentences and for the card's table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ....model.bundle import Calibration
from ..report.wording import percent, with_interval
from .requirements import Requirements

Measures = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One requirement, in words, and whether it is met."""

    what: str
    asked: str
    reached: str
    met: bool

    def __str__(self) -> str:
        return f"{self.what}: {self.reached}; required is {self.asked}."


def find(metrics: Measures, calibration: Calibration, wanted: Requirements) -> Iterator[Finding]:
    """All that is required, in the order of the card.

    Args:
        metrics: as ``measure_bundle`` gives them.
        calibration: the bundle's.
        wanted: what was asked.

    Raises:
        KeyError: the measures are not of this release.
    """
    everything = metrics["all"]
    yield Finding("Side of the split", "test", metrics["split"], metrics["split"] == "test")
    yield _accuracy(everything, wanted)
    for label, measured in everything["labels"].items():
        yield from _of_label(label, measured, wanted)
    yield from _calibration(everything, calibration, wanted)
    if wanted.behaviour and "behaviour" not in metrics:
        yield Finding("Behaviour", "a measured one", "not measured", met=False)
    elif wanted.behaviour:
        yield from _behaviour(metrics["behaviour"], wanted)
    yield _slices(metrics["slices"], wanted)


def _accuracy(everything: Measures, wanted: Requirements) -> Finding:
    """Better than answering the largest class always: even the interval's lower end is above its share."""
    labels = everything["labels"]
    largest = max(labels, key=lambda label: labels[label]["pictures"])
    base = labels[largest]["pictures"] / everything["pictures"]
    least = base + wanted.majority_margin
    return Finding(
        "Accuracy",
        f"an interval above {percent(least)}, where {largest!r} for every picture gets {percent(base)}",
        _counted(everything, "accuracy", everything["pictures"]),
        everything["accuracy_interval"][0] > least,
    )


def _of_label(label: str, measured: Measures, wanted: Requirements) -> Iterator[Finding]:
    """A label without pictures has no recall, and one that never wins no precision: neither will do."""
    for name, least, of in (
        ("recall", wanted.recall_of(label), measured["pictures"]),
        ("precision", wanted.precision_of(label), measured["won"]),
    ):
        reached = _counted(measured, name, of) if of else f"no {'picture' if name == 'recall' else 'answer'}"
        met = of > 0 and measured[name] >= least
        yield Finding(f"{name.capitalize()} of {label!r}", f"at least {percent(least)}", reached, met)


def _calibration(everything: Measures, calibration: Calibration, wanted: Requirements) -> Iterator[Finding]:
    error = everything["ece"]
    reached = f"{error:.3f} on {everything['pictures']} pictures"
    yield Finding("Expected calibration error", f"at most {wanted.ece:.3f}", reached, error <= wanted.ece)
    if wanted.calibrated:
        fitted = calibration.temperature != 1
        yield Finding("Temperature", "a fitted one", f"{calibration.temperature:.3f}", fitted)
        missing = [label for label in everything["labels"] if label not in calibration.thresholds]
        reached = f"none for {', '.join(missing)}" if missing else f"{len(calibration.thresholds)}"
        yield Finding("Thresholds", "one for each label", reached, not missing)


def _behaviour(behaviour: Measures, wanted: Requirements) -> Iterator[Finding]:
    yield _worst("Verdicts changed by what the network cannot see", behaviour["exact"], "changed", 0.0)
    what, most = "Verdicts changed by what does not matter", wanted.changed_verdicts
    yield _worst(what, behaviour["similar"], "changed", most, wanted.versions)
    for name, ladder in behaviour["ladders"].items():
        yield from _ladder(name, ladder, wanted)


def _ladder(name: str, ladder: Measures, wanted: Requirements) -> Iterator[Finding]:
    pictures = ladder["pictures"]
    reached = _counted(ladder, "abstains", pictures) if pictures else "no picture of a class to begin with"
    met = pictures > 0 and ladder["abstains"] >= wanted.abstains
    yield Finding(f"No class at the end of the {name}", f"at least {percent(wanted.abstains)}", reached, met)
    means = ", ".join(f"{mean:.2f}" for mean in ladder["probabilities"]) or reached
    yield Finding(f"Mean probability along the {name}", "less at each step", means, ladder["falls"])


def _slices(slices: Measures, wanted: Requirements) -> Finding:
    return _worst("Accuracy below the mean on a kind of picture", slices, "gap", wanted.slice_gap)


def _worst(
    what: str, rows: Measures, name: str, usual: float, others: Mapping[str, float] = MappingProxyType({})
) -> Finding:
    """Every row that is over its limit, or the worst of them where none is."""
    worst_first = sorted(
        (row for row in rows if rows[row]["pictures"]), key=lambda row: rows[row][name], reverse=True
    )
    over = [row for row in worst_first if rows[row][name] > others.get(row, usual)]
    shown = [
        f"{row} {percent(rows[row][name])} of {rows[row]['pictures']}" for row in over or worst_first[:1]
    ]
    asked = ", ".join(
        [f"at most {percent(usual)}", *(f"{row} {percent(most)}" for row, most in others.items())]
    )
    return Finding(what, asked, ", ".join(shown) or "nothing to compare", not over)


def _counted(measured: Measures, name: str, of: int) -> str:
    return f"{with_interval(measured, name)} of {of} pictures"
