"""The sections of the card that tell what was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from ....model.bundle import Calibration
from ..behaviour.slices import SMALLEST_SLICE
from ..gate.findings import find
from ..gate.requirements import Requirements
from .sentences import between, calibration, latency, verdicts, worst_kind
from .tables import (
    behaviour_rows,
    confusion_rows,
    label_rows,
    ladder_rows,
    markdown,
    metric_rows,
    outside_rows,
    slice_rows,
)
from .wording import with_interval

Measures = Mapping[str, Any]


def evaluation(metrics: Measures) -> Iterator[str]:
    """How right the winner is, how honest its probability, and which labels are confused."""
    if not metrics:
        yield "It was not measured."
        return
    everything = metrics["all"]
    yield (
        f"The winner against the label, on the split `{metrics['split']}`, of which nothing was trained on.\n"
        "In brackets are 95 % intervals (Wilson)."
    )
    yield markdown(metric_rows(metrics))
    yield markdown(label_rows(everything))
    if "between" in metrics:
        yield between(metrics["between"])
    yield f"{calibration(everything)}\n{verdicts(everything['verdicts'])}"
    yield markdown(confusion_rows(everything))
    if found := metrics.get("labels_as_found"):
        share = with_interval(found["all"], "accuracy")
        pair = f"\n{between(found['between'])}" if "between" in found else ""
        yield f"Against the labels as they were found: {share} of {found['all']['pictures']} pictures.{pair}"
    if "latency" in metrics:
        yield latency(metrics["latency"])


def outside(metrics: Measures) -> Iterator[str]:
    """What it says to pictures that show none of its classes."""
    if "outside" not in metrics:
        yield "It was not measured on pictures that show none of the classes."
        return
    yield "The share of each verdict on pictures that show none of the classes."
    yield markdown(outside_rows(metrics["outside"]))


def behaviour(metrics: Measures) -> Iterator[str]:
    """What other versions of a picture do to the verdict."""
    if "behaviour" not in metrics:
        yield "It was not measured how the verdict stands up to changes of the picture."
        return
    measured = metrics["behaviour"]
    yield (
        f"Of {measured['pictures']} pictures, how many get another verdict in another version.\n"
        "A change from or to `unsure` counts.\n"
        "The shift is how far the winner's probability moves at most, on 95 % of the pictures."
    )
    yield markdown(behaviour_rows(measured))
    yield (
        "What becomes of the first verdict's mean probability where a grey patch or noise takes the picture "
        "away, and how often no class is answered at the end."
    )
    yield markdown(ladder_rows(measured))


def gate(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What was asked of it, and what it reached."""
    if manifest["gate"] is None:
        yield "Nobody asked for anything: it was not measured against any requirement."
        return
    if not manifest["metrics"]:
        yield "It was not measured, so nothing is known of what was asked."
        return
    calibration_ = Calibration.model_validate(manifest["calibration"])
    findings = find(manifest["metrics"], calibration_, Requirements.model_validate(manifest["gate"]))
    rows = [[each.what, each.asked, each.reached, "yes" if each.met else "no"] for each in findings]
    yield "It is not built where it does not reach all of this."
    yield markdown([["what", "asked", "reached", "met"], *rows])


def known_limits(metrics: Measures) -> Iterator[str]:
    """What it is worse on, and what no number says."""
    yield (
        "The probabilities hold for pictures like those it learnt from, and for no others.\n"
        "A picture with several of the classes in it gets one answer."
    )
    if slices := metrics.get("slices"):
        yield f"{worst_kind(slices)}\nKinds with fewer than {SMALLEST_SLICE} pictures are left out."
        yield markdown(slice_rows(slices))
