"""What a predictor answers to pictures: everything that is measured of a model is measured on this."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ...errors import InvalidDataset, RejectedPicture
from ...model.predictor import UNSURE, Prediction, Predictor
from ...settings import usable_cores
from ..data.dataset import Sample, class_indices
from .behaviour.looks import Look, look_at

_BATCH = 32


@dataclass(frozen=True)
class Answers:
    """Labelled pictures with what a bundle answered to them, in the same order."""

    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """[N, labels], calibrated."""
    verdicts: tuple[str, ...]
    """A label each, or ``unsure``."""
    looks: tuple[Look, ...]

    @property
    def truths(self) -> NDArray[np.int64]:
        """What the pictures show, as indices of labels: [N]."""
        return class_indices(self.samples, self.labels)

    @property
    def winners(self) -> NDArray[np.int64]:
        """The labels with the highest probability, as indices: [N]."""
        winners: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return winners

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The winners' probabilities: [N]."""
        confidences: NDArray[np.float32] = self.probabilities.max(axis=1)
        return confidences

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where the winner is what the picture shows: [N]."""
        return np.equal(self.winners, self.truths)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where the verdict is a label: [N]."""
        return np.array([verdict != UNSURE for verdict in self.verdicts])

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """The answers to some of the pictures.

        Args:
            chosen: [N], true for those that stay.
        """
        which = np.flatnonzero(chosen)
        return type(self)(
            tuple(self.samples[each] for each in which),
            self.labels,
            self.probabilities[which],
            tuple(self.verdicts[each] for each in which),
            tuple(self.looks[each] for each in which),
        )


def answer(predictor: Predictor, samples: Sequence[Sample]) -> Answers:
    """Ask the predictor about each sample, as the service would.

    Raises:
        InvalidDataset: a picture is one that the service refuses; the message names it.
    """
    labels = predictor.bundle.manifest.labels
    seen = list(predict_files(predictor, [sample.path for sample in samples], f"{len(samples)} pictures"))
    return Answers(
        tuple(samples),
        labels,
        np.array([in_order(prediction, labels) for prediction, _ in seen], dtype=np.float32),
        tuple(prediction.verdict for prediction, _ in seen),
        tuple(look for _, look in seen),
    )


def predict_files(
    predictor: Predictor, paths: Sequence[Path], doing: str
) -> Iterator[tuple[Prediction, Look]]:
    """The prediction for each file and what it looks like, in order.

    Args:
        predictor: what answers.
        paths: pictures.
        doing: what the progress bar says.

    Raises:
        InvalidDataset: a picture is one that the service refuses; the message names it.
    """

    def prepare(path: Path) -> tuple[NDArray[np.float32], Look]:
        try:
            picture = predictor.preprocess(path.read_bytes())
        except RejectedPicture as error:
            raise InvalidDataset(f"{path}: {error}") from error
        return picture, look_at(path, picture)

    with ThreadPoolExecutor(usable_cores()) as decoders:
        for start in track(range(0, len(paths), _BATCH), description=doing):
            pictures, looks = zip(*decoders.map(prepare, paths[start : start + _BATCH]), strict=True)
            yield from zip(predictor.predict_batch(pictures), looks, strict=True)


def in_order(prediction: Prediction, labels: Sequence[str]) -> list[float]:
    """A prediction's probabilities in the order of the labels."""
    found = {each.label: each.probability for each in prediction.predictions}
    return [found[label] for label in labels]
