"""What the measures look like: the confusion matrix, the probabilities' honesty, answers against accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

Measures = Mapping[str, Any]

_BLUE, _GREY, _RED = "#1f5a93", "#8a8f98", "#b23a2e"
_DARK = 0.5
"""From this share of a row on, a cell is so dark that its number is written in white."""


def confusion_figure(measures: Measures) -> Figure:
    """A row for what the pictures show, a column for what won; shades are shares of the row."""
    labels, counts = list(measures["labels"]), np.array(measures["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.9 * len(labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > _DARK else "black"
        text = f"{count}\n{shares[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="winner", ylabel="what the picture shows", title=f"{measures['pictures']} pictures")
    return figure


def reliability_figure(measures: Measures) -> Figure:
    """Accuracy over the winner's probability, and below it how many pictures each bin has."""
    figure = Figure(figsize=(6, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_accuracies(upper, measures["reliability"])
    upper.set_title(f"expected calibration error {measures['ece']:.3f}")
    _draw_counts(lower, measures["reliability"])
    return figure


def _draw_accuracies(axes: Axes, bins: Sequence[Measures]) -> None:
    probabilities, accuracies = _column(bins, "probability"), _column(bins, "accuracy")
    whiskers = np.abs(_column(bins, "accuracy_interval").T - accuracies)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="as often right as sure")
    axes.errorbar(
        probabilities, accuracies, whiskers, fmt="o", color=_BLUE, capsize=3, label="measured, 95 % interval"
    )
    axes.set(ylabel="accuracy", ylim=(-0.02, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left", frameon=False)


def _draw_counts(axes: Axes, bins: Sequence[Measures]) -> None:
    starts, counts = _column(bins, "from"), _column(bins, "pictures")
    bars = axes.bar(
        starts, counts, _column(bins, "to") - starts, align="edge", color=_BLUE, edgecolor="white"
    )
    axes.bar_label(bars, fontsize=8)
    axes.set_yscale("log")
    # a bin with one picture is seen, and there is room above the tallest for its number
    axes.set(
        xlabel="probability of the winner", ylabel="pictures", xlim=(0, 1.02), ylim=(0.5, 4 * counts.max())
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def coverage_figure(measures: Measures) -> Figure:
    """Accuracy among answered pictures over how many are answered, with the bundle's own verdicts."""
    points = [each for each in measures["coverage"] if each["accuracy"] is not None]
    answered, accuracies = _column(points, "answered"), _column(points, "accuracy")
    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    low, high = _column(points, "accuracy_interval").T
    axes.fill_between(answered, low, high, color=_BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    axes.plot(answered, accuracies, "o-", markersize=4, color=_BLUE, label="one threshold for all labels")
    for each, before in zip(points, [None, *answered], strict=False):
        if each["answered"] != before:
            where = (each["answered"], each["accuracy"])
            axes.annotate(f"{each['at_least']:g}", where, (0, 6), textcoords="offset points", fontsize=7)
    axes.margins(0.08)
    verdicts = measures["verdicts"]
    if verdicts["accuracy"] is not None:
        axes.plot(verdicts["answered"], verdicts["accuracy"], "D", color=_RED, label="the bundle's verdicts")
    axes.set(xlabel="pictures that get an answer", ylabel="accuracy among these")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower left", frameon=False)
    return figure


def _column(rows: Sequence[Measures], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], dtype=np.float64)
