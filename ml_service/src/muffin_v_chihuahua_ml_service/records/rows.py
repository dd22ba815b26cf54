"""What is remembered and what is asked about it, as plain data: no database is needed to import this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..errors import UnknownPrediction


class AnsweringModel(NamedTuple):
    """The model that answered; its digest stands for the rest."""

    name: str
    version: str
    digest: str
    labels: tuple[str, ...]


class PredictionRow(NamedTuple):
    """One answer."""

    id: str
    """26 letters and digits of Crockford's base32."""
    asked_at: datetime
    """In UTC."""
    model: AnsweringModel
    verdict: str
    label: str
    """The winner's."""
    probability: float
    filename: str | None
    sha256: str
    """Of the picture's bytes, in hexadecimal."""
    picture: bytes | None = None
    """Only where it is to be kept, too."""


@dataclass(frozen=True)
class GivenFeedback:
    """What was answered about the picture that somebody now says the truth about."""

    predicted: str
    verdict: str


@dataclass(frozen=True)
class LabelCount:
    """Of the pictures that really show one label, how many there are, and how many were answered right."""

    feedback: int
    right: int


@dataclass(frozen=True)
class FeedbackCounts:
    """How one model did, as far as it was told."""

    model: AnsweringModel
    predictions: int
    labels: Mapping[str, LabelCount]
    """For each of the model's labels, in its order."""

    @property
    def feedback(self) -> int:
        """Predictions that somebody said the truth about."""
        return sum(each.feedback for each in self.labels.values())

    @property
    def right(self) -> int:
        """Those of them whose winner was the truth."""
        return sum(each.right for each in self.labels.values())


def unknown_prediction(prediction_id: str) -> UnknownPrediction:
    """The error for an id that nothing is kept under."""
    return UnknownPrediction(
        f"There is no prediction {prediction_id!r}; it may have been deleted, or never kept."
    )
