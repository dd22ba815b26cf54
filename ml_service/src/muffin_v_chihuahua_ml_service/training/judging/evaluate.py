"""A bundle against labelled pictures, through the same predictor that serves."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from ...errors import InvalidDataset
from ...model.predictor import Predictor
from ..data.dataset import Sample, Split, class_indices, read_dataset
from .metrics import measure_between, measure_folders


def evaluate(
    predictor: Predictor, folders: Sequence[Path], split: Split | None, pair: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Measures over all folders and for each, as ``measure_folders`` gives them, and between two labels.

    Args:
        predictor: what answers.
        folders: each holds a folder of pictures for every class.
        split: only this side of the split that training makes, or None for every picture.
        pair: two labels to tell from each other.

    Raises:
        InvalidDataset: the folders cannot be used, have no pictures on that side, or they or the pair name
            classes that the model does not know.
    """
    labels = predictor.bundle.manifest.labels
    if unknown := set(pair or ()) - set(labels):
        raise InvalidDataset(f"The model knows {', '.join(labels)}, not {', '.join(sorted(unknown))}.")
    samples = [sample for sample in read_dataset(folders) if split in (None, sample.split)]
    if not samples:
        raise InvalidDataset(f"There are no pictures on the side {split!r} of the split.")
    if unknown := {sample.label for sample in samples} - set(labels):
        raise InvalidDataset(
            f"The model knows {', '.join(labels)}, but the data has {', '.join(sorted(unknown))}."
        )
    probabilities = np.array(list(_probabilities(predictor, samples)), dtype=np.float32)
    measures = {"split": split or "all", **measure_folders(probabilities, samples, labels)}
    if pair is not None:
        measures["between"] = measure_between(probabilities, class_indices(samples, labels), labels, pair)
    return measures


def _probabilities(predictor: Predictor, samples: Sequence[Sample]) -> Iterator[list[float]]:
    for sample in track(samples, description=f"{len(samples)} pictures"):
        prediction = predictor.predict(sample.path.read_bytes())
        found = {each.label: each.probability for each in prediction.predictions}
        yield [found[label] for label in predictor.bundle.manifest.labels]
