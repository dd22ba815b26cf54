"""The model card, rendered from the manifest: no number in it is written by hand."""

from collections.abc import Mapping
from typing import Any


def render_card(manifest: Mapping[str, Any]) -> str:
    """``MODEL_CARD.md`` for a manifest as ``train`` writes it."""
    training, metrics = manifest["training"], manifest["metrics"]
    labels = ", ".join(f"`{label}`" for label in manifest["labels"])
    pictures = ", ".join(f"{count} {split}" for split, count in training["pictures"].items())
    temperature = manifest["calibration"]["temperature"]
    return f"""# {manifest["name"]} {manifest["version"]}

Classifies a picture as one of {labels}.
{manifest["description"]}

## Numbers

Winner against label, on pictures of the split `{metrics["split"]}`, none of which was trained on.
Near-duplicates are on one side of the split; the labels are as they were found, noise included.

{_table(metrics)}

Temperature {temperature:.3f}, fitted on the calibration split.

## Data

{sum(training["pictures"].values())} pictures: {pictures}.
Fingerprint of the data set: `{training["dataset_fingerprint"]}`.
Seed {training["seed"]}.

## Limits

The probabilities hold for pictures like those it learnt from, and for no others.
A picture with several of the classes in it gets one answer.
"""


def _table(metrics: Mapping[str, Any]) -> str:
    head, *rows = metric_rows(metrics, decimals=1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def metric_rows(metrics: Mapping[str, Any], *, decimals: int) -> list[list[str]]:
    """The cells of a table, its head first: a row for each data folder and one for all.

    Args:
        metrics: as ``measure_folders`` gives them.
        decimals: how many a percentage has.
    """
    head = ["data", "pictures", "accuracy", *(f"recall {label}" for label in metrics["all"]["labels"])]
    measured = {**metrics["folders"], "all": metrics["all"]}
    return [head, *(_row(name, measures, decimals) for name, measures in measured.items())]


def _row(name: str, measures: Mapping[str, Any], decimals: int) -> list[str]:
    recalls = [
        f"{each['recall']:.{decimals}%} of {each['pictures']}" if each["pictures"] else "-"
        for each in measures["labels"].values()
    ]
    return [name, str(measures["pictures"]), f"{measures['accuracy']:.{decimals}%}", *recalls]
