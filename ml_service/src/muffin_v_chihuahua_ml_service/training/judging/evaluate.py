"""A bundle against labelled pictures, through the same predictor that serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidDataset
from ...model.predictor import Predictor
from ..data.corrections import read_corrections
from ..data.dataset import Sample, corrected, read_dataset
from .answers import Answers, answer
from .comparison import check_comparable, compare
from .measures import EVERYTHING, Scope, measure_answers


@dataclass(frozen=True)
class Evaluation:
    """What a bundle answered to labelled pictures, and what that is worth."""

    answers: Answers
    measures: dict[str, Any]
    """As ``measure_bundle`` gives them."""
    comparison: dict[str, Any] | None
    """With another bundle, as ``compare`` gives it."""

    def mistakes(self) -> list[dict[str, Any]]:
        """The pictures where another label wins than the one that they show, the surest first."""
        answers = self.answers
        wrong = np.flatnonzero(~answers.right)
        worst_first = wrong[np.argsort(-answers.confidences[wrong], kind="stable")]
        return [
            {
                "path": str(answers.samples[each].path),
                "truth": answers.samples[each].label,
                "winner": answers.labels[answers.winners[each]],
                "probability": float(answers.confidences[each]),
                "verdict": answers.verdicts[each],
            }
            for each in worst_first
        ]


def evaluate(
    predictor: Predictor,
    folders: Sequence[Path],
    scope: Scope = EVERYTHING,
    against: Predictor | None = None,
) -> Evaluation:
    """Measure a bundle on data folders.

    Args:
        predictor: what answers.
        folders: each holds a folder of pictures for every class.
        scope: which side of the split that training makes, and what is measured beside the answers.
        against: another bundle's predictor, asked about the same pictures.

    Raises:
        InvalidDataset: the folders cannot be used, have no pictures on that side, or they or the scope name
            classes that the model does not know.
        NotComparable: the other bundle has other labels.
    """
    labels = predictor.bundle.manifest.labels
    if unknown := {*(scope.between or ()), *([scope.negative] if scope.negative else [])} - set(labels):
        raise InvalidDataset(f"The model knows {', '.join(labels)}, not {', '.join(sorted(unknown))}.")
    if against is not None:
        check_comparable(labels, against.bundle.manifest.labels)
    samples = _read(folders, scope, labels)
    answers = answer(predictor, samples)
    comparison = None if against is None else compare(answers, answer(against, samples))
    return Evaluation(answers, measure_answers(predictor, answers, scope), comparison)


def _read(folders: Sequence[Path], scope: Scope, labels: Sequence[str]) -> list[Sample]:
    found = corrected(read_dataset(folders), read_corrections(scope.corrections))
    samples = [sample for sample in found if scope.split in {"all", sample.split}]
    if not samples:
        raise InvalidDataset(f"There are no pictures on the side {scope.split!r} of the split.")
    if unknown := {sample.label for sample in samples} - set(labels):
        raise InvalidDataset(
            f"The model knows {', '.join(labels)}, but the data has {', '.join(sorted(unknown))}."
        )
    return samples
