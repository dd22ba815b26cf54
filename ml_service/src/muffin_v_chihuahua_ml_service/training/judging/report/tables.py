"""Measures as rows of cells, the head first: for the terminal and for the card."""

from collections.abc import Mapping, Sequence
from typing import Any

from .wording import interval, percent, with_interval

Rows = list[list[str]]


def metric_rows(metrics: Mapping[str, Any]) -> Rows:
    """A row for each data folder and one for all."""
    labels = metrics["all"]["labels"]
    head = ["data", "pictures", "accuracy", "95 % interval", *(f"recall {label}" for label in labels)]
    measured = {**metrics["folders"], "all": metrics["all"]}
    return [head, *(_metric_row(name, measures) for name, measures in measured.items())]


def _metric_row(name: str, measures: Mapping[str, Any]) -> list[str]:
    recalls = [
        f"{percent(each['recall'])} of {each['pictures']}" if each["pictures"] else "-"
        for each in measures["labels"].values()
    ]
    accuracy = percent(measures["accuracy"])
    return [name, str(measures["pictures"]), accuracy, interval(measures["accuracy_interval"]), *recalls]


def label_rows(measures: Mapping[str, Any]) -> Rows:
    """Recall and precision of each label, and how often it was shown and how often it won."""
    rows = [
        [
            label,
            with_interval(each, "recall"),
            str(each["pictures"]),
            with_interval(each, "precision"),
            str(each["won"]),
        ]
        for label, each in measures["labels"].items()
    ]
    return [["label", "recall", "of pictures", "precision", "of answers"], *rows]


def confusion_rows(measures: Mapping[str, Any]) -> Rows:
    """A row for what the pictures show, a column for what won."""
    labels = list(measures["labels"])
    rows = [[label, *map(str, counts)] for label, counts in zip(labels, measures["confusion"], strict=True)]
    return [["shown \\ won", *labels], *rows]


def behaviour_rows(behaviour: Mapping[str, Any]) -> Rows:
    """How often another version of a picture got another verdict."""
    head = ["version", "pictures", "other verdict", "95 % interval", "other label", "shift (95 %)"]
    measured = {**behaviour["exact"], **behaviour["similar"]}
    return [head, *(_behaviour_row(name, each) for name, each in measured.items() if each["pictures"])]


def _behaviour_row(name: str, each: Mapping[str, Any]) -> list[str]:
    return [
        name,
        str(each["pictures"]),
        f"{each['changed_pictures']} ({percent(each['changed'])})",
        interval(each["changed_interval"]),
        str(each["relabelled_pictures"]),
        f"{each['shift_p95']:.3f}",
    ]


def ladder_rows(behaviour: Mapping[str, Any]) -> Rows:
    """What becomes of the first verdict's probability where less and less is left to see."""
    parts = ["25%", "50%", "75%", "100%"]
    rows = [
        [
            name,
            str(each["pictures"]),
            *(f"{mean:.2f}" for mean in each["probabilities"]),
            with_interval(each, "abstains"),
        ]
        for name, each in behaviour["ladders"].items()
        if each["pictures"]
    ]
    return [["taken away", "pictures", "nothing", *parts, "no class at the end"], *rows]


def outside_rows(outside: Mapping[str, Any]) -> Rows:
    """The verdicts on pictures that show none of the classes, a row a folder."""
    verdicts = list(next(iter(outside.values()))["verdicts"])
    rows = [
        [name, str(each["pictures"]), *(percent(each["verdicts"][verdict]) for verdict in verdicts)]
        for name, each in outside.items()
    ]
    return [["pictures", "how many", *verdicts], *rows]


def slice_rows(slices: Mapping[str, Any]) -> Rows:
    """Accuracy on each kind of picture, the worst first."""
    worst_first = sorted(slices.items(), key=lambda item: -item[1]["gap"])
    rows = [
        [name, str(each["pictures"]), with_interval(each, "accuracy"), f"{100 * each['gap']:+.1f}"]
        for name, each in worst_first
    ]
    return [["kind of picture", "pictures", "accuracy", "points under the mean"], *rows]


def threshold_rows(thresholds: Mapping[str, Mapping[str, Any]]) -> Rows:
    """What each label's winner needs, and how many calibration pictures that follows from."""
    rows = [[label, f"{each['at_least']:.3f}", str(each["pictures"])] for label, each in thresholds.items()]
    return [["label", "threshold", "calibration pictures"], *rows]


def familiarity_rows(classes: Mapping[str, Mapping[str, Any]]) -> Rows:
    """Where each label's probability begins and ends to fade."""
    rows = [
        [label, f"{each['familiar_from']:.3f}", f"{each['unknown_below']:.3f}", str(each["pictures"])]
        for label, each in classes.items()
    ]
    return [["label", "familiar from", "unknown below", "calibration pictures"], *rows]


def seed_rows(seeds: Sequence[Mapping[str, Any]], kept: int) -> Rows:
    """How right the winner is on the test side after the probe and after all, with each seed."""
    rows = [
        [
            f"{each['seed']} (kept)" if each["seed"] == kept else str(each["seed"]),
            percent(each["probe_accuracy"]),
            percent(each["accuracy"]),
            f"{each['validation_loss']:.4f}",
        ]
        for each in seeds
    ]
    return [["seed", "accuracy of the probe", "of the network", "validation loss"], *rows]


def markdown(rows: Rows) -> str:
    """The rows as a Markdown table."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *body])
