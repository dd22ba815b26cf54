"""What the service sends, as far as the pages draw it; which classes there are is not their affair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter


@dataclass(frozen=True)
class Score:
    """How likely one class is."""

    label: str
    # A little over 1 is what float32 makes of 1; 98.3 would be percent, which nobody promised.
    probability: Annotated[float, Field(ge=0, le=1.001, allow_inf_nan=False)]


@dataclass(frozen=True)
class Model:
    """Which model answered."""

    name: str
    version: str


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


HEALTH = TypeAdapter(Health)
PREDICTION = TypeAdapter(Prediction)
REFUSAL = TypeAdapter(Refusal)
