"""What the service sends, as far as the pages draw it; which classes there are is not their affair.

What a service of an earlier version does not send has a default, so that the two can be renewed apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Base64Bytes, Field, TypeAdapter

# A little over 1 is what float32 makes of 1, and is 1; 98.3 would be percent, which nobody promised.
Probability = Annotated[
    float, Field(ge=0, le=1.001, allow_inf_nan=False), AfterValidator(lambda share: min(share, 1.0))
]
Interval = tuple[Probability, Probability]


@dataclass(frozen=True)
class Score:
    """How likely one class is."""

    label: str
    probability: Probability


@dataclass(frozen=True)
class Model:
    """Which model answered."""

    name: str
    version: str
    digest: str = ""


@dataclass(frozen=True)
class Prediction:
    """What the service says about one picture; `predictions` come best first."""

    prediction_id: str
    verdict: str
    predictions: Annotated[tuple[Score, ...], Field(min_length=1)]
    model: Model
    timings_ms: Mapping[str, float]

    @property
    def is_sure(self) -> bool:
        """Whether the verdict is the best class: where that is not likely enough it is another word."""
        return self.verdict == self.predictions[0].label

    @property
    def winner(self) -> Score:
        """The most likely class."""
        return self.predictions[0]


@dataclass(frozen=True)
class Health:
    """The service is up, with this model."""

    model: Model


@dataclass(frozen=True)
class Refusal:
    """Why the service does not want a picture, in its own words."""

    error: str
    code: str
    request_id: str


@dataclass(frozen=True)
class Overlay:
    """One class, and the picture with what spoke for it marked, as the bytes of a PNG."""

    label: str
    probability: Probability
    overlay: Base64Bytes


@dataclass(frozen=True)
class Explanation:
    """What the model saw (`input`, the bytes of a PNG) and what spoke for each class, best first."""

    method: str
    input: Base64Bytes
    explanations: Annotated[tuple[Overlay, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Feedback:
    """What somebody said that a picture really shows, and whether the prediction said so too."""

    prediction_id: str
    label: str
    agrees: bool


@dataclass(frozen=True)
class LabelFeedback:
    """How many pictures people said to be of one class, and for how many of them the model had said so."""

    feedback: int
    right: int


@dataclass(frozen=True)
class FeedbackSummary:
    """What people said about one model's predictions; the accuracy is that among what they spoke of."""

    model: Model
    predictions: int
    feedback: int
    right: int
    accuracy: Probability | None
    accuracy_interval: Interval | None
    labels: Mapping[str, LabelFeedback]


@dataclass(frozen=True)
class Limits:
    """What a picture may be at most, and the formats that it may have."""

    picture_bytes: Annotated[int, Field(gt=0)] = 10 * 1024**2
    pixels: Annotated[int, Field(gt=0)] = 50_000_000
    formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


@dataclass(frozen=True)
class ModelDescription:
    """The model that answers now: what the service tells about it."""

    name: str
    version: str
    digest: str
    description: str
    labels: tuple[str, ...]
    engine: str
    precision: str
    loaded_at: datetime
    metrics: Any = None  # this and the next two are of any shape: `measures` makes of them what it can
    calibration: Any = None
    training: Any = None
    card: str | None = None
    explanation: str | None = None
    limits: Limits = Limits()
    last_failure: str | None = None


HEALTH = TypeAdapter(Health)
PREDICTION = TypeAdapter(Prediction)
REFUSAL = TypeAdapter(Refusal)
EXPLANATION = TypeAdapter(Explanation)
FEEDBACK = TypeAdapter(Feedback)
FEEDBACK_SUMMARY = TypeAdapter(FeedbackSummary)
MODEL = TypeAdapter(ModelDescription)
