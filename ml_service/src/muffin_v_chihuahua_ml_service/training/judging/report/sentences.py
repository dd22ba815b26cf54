"""Measures as sentences: for the terminal and for the card."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..behaviour.slices import worst_slice
from .wording import with_interval

Measures = Mapping[str, Any]


def sentences(measures: Measures) -> Iterator[str]:
    """What the tables do not say, a line each, as far as it was measured."""
    everything = measures["all"]
    yield calibration(everything)
    yield verdicts(everything["verdicts"])
    if "between" in measures:
        yield between(measures["between"])
    if measures["slices"]:
        yield worst_kind(measures["slices"])
    if "latency" in measures:
        yield latency(measures["latency"])


def calibration(measured: Measures) -> str:
    """How honest the probabilities are."""
    return f"Expected calibration error {measured['ece']:.3f}, negative log-likelihood {measured['nll']:.3f}."


def verdicts(measured: Measures) -> str:
    """How much is answered, and how well."""
    answered, accuracy = with_interval(measured, "answered"), with_interval(measured, "accuracy")
    return f"Answered, and not `unsure`: {answered}; right among these: {accuracy}."


def between(measured: Measures) -> str:
    """How well two labels are told from each other."""
    pair = " against ".join(measured["pair"])
    wrong = f"{measured['wrong']} wrong of {measured['pictures']}"
    return f"{pair}: {with_interval(measured, 'accuracy', 2)} right, {wrong}"


def worst_kind(slices: Mapping[str, Measures]) -> str:
    """The kind of picture that is furthest under the mean; there must be one."""
    name = worst_slice(slices)
    measured = slices[name]
    return (
        f"Worst kind of picture: {name}, {with_interval(measured, 'accuracy')} of {measured['pictures']}, "
        f"{100 * measured['gap']:.1f} points under the mean."
    )


def latency(measured: Measures) -> str:
    """How long one picture takes."""
    stages = " and ".join(
        f"{name} {measured[f'{name}_ms']['p50']:.1f} ms (95 % under {measured[f'{name}_ms']['p95']:.1f} ms)"
        for name in ("decode", "inference")
    )
    engine = f"{measured['engine']} in {measured.get('precision', 'f32')}"
    return f"One picture at a time, with {engine}: {stages}, on {measured['pictures']} pictures."
