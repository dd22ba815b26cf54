"""Labels that are probably wrong, listed for a person to decide.

Each picture is judged by a probe that never saw it or its near-duplicates (out-of-fold probabilities;
Northcutt et al. 2021, "Confident learning", arXiv 1911.00068). Nothing is corrected here: a person copies
into the corrections what is really wrong.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.model_selection import StratifiedGroupKFold

from ...errors import InvalidDataset
from ..data.dataset import Sample, class_indices
from ..networks.head import fit_head

FOLDS = 5

COLUMNS = ("sha256", "label", "found", "suggested", "probability_found", "path")
"""``label`` is what the person fills in; with it, the file is a file of corrections."""


@dataclass(frozen=True)
class Suspect:
    """A picture that others of its kind do not resemble."""

    sample: Sample
    suggested: str
    probability_found: float
    """Of the label that it was found with, by a probe that never saw it."""


def find_suspects(
    views: Sequence[NDArray[np.float32]], samples: Sequence[Sample], labels: Sequence[str]
) -> list[Suspect]:
    """The samples that another label suits better, the least likely first.

    Args:
        views: features [N, channels] of the samples as they are, and of random views of them to learn from.
        samples: N labelled pictures.
        labels: the classes' names.

    Raises:
        InvalidDataset: a class has fewer pictures than there are folds.
    """
    classes = class_indices(samples, labels)
    if (fewest := np.bincount(classes, minlength=len(labels)).min()) < FOLDS:
        raise InvalidDataset(f"A class has only {fewest} pictures; to find suspects takes {FOLDS}.")
    probabilities = _out_of_fold(views, classes, [sample.group for sample in samples])
    own = probabilities[np.arange(len(classes)), classes]
    return [
        Suspect(samples[index], labels[winner], float(own[index]))
        for index in np.argsort(own, kind="stable")
        if (winner := int(probabilities[index].argmax())) != classes[index]
    ]


def _out_of_fold(
    views: Sequence[NDArray[np.float32]], classes: NDArray[np.int64], groups: Sequence[str]
) -> NDArray[np.float32]:
    """Probabilities [N, labels] of each picture as it is, by a probe that saw no view of it or its group."""
    probabilities = np.zeros((len(classes), classes.max() + 1), dtype=np.float32)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for learnt, judged in folds.split(views[0], classes, groups):
        features = np.concatenate([view[learnt] for view in views])
        head = fit_head(features, np.tile(classes[learnt], len(views)))
        probabilities[judged] = softmax(head.logits(views[0][judged]), axis=1)
    return probabilities


def write_suspects(suspects: Sequence[Suspect], path: Path) -> None:
    """A CSV to look through; its column ``label`` holds what the picture was found with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for each in suspects:
            found, sample = each.sample.label, each.sample
            writer.writerow(
                [sample.sha256, found, found, each.suggested, f"{each.probability_found:.4f}", sample.path]
            )
