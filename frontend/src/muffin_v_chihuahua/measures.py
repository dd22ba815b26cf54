"""What a bundle says of its model: how right it is, how it was calibrated, what it was trained on.

All of it is free-form in the manifest, and only this project's own training is known to write it like this.
What has another shape counts as not said, so that everything beside it can still be drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import FiniteFloat, NonNegativeInt, TypeAdapter

from muffin_v_chihuahua.lenient import Named, Said, Several, otherwise
from muffin_v_chihuahua.wire import Interval, Probability


@dataclass(frozen=True)
class Accuracy:
    """How often it is right on so many pictures, with the 95 % interval."""

    accuracy: Said[Probability] = None
    accuracy_interval: Said[Interval] = None
    pictures: Said[NonNegativeInt] = None


@dataclass(frozen=True)
class OfLabel:
    """One class: of its pictures, how many are found (recall); of its answers, how many are right."""

    pictures: Said[NonNegativeInt] = None
    won: Said[NonNegativeInt] = None
    precision: Said[Probability] = None
    precision_interval: Said[Interval] = None
    recall: Said[Probability] = None
    recall_interval: Said[Interval] = None


@dataclass(frozen=True)
class Verdicts:
    """The share of pictures that get a class and not `unsure`, and how often it is right on these."""

    answered: Said[Probability] = None
    answered_interval: Said[Interval] = None
    accuracy: Said[Probability] = None
    accuracy_interval: Said[Interval] = None


@dataclass(frozen=True)
class Covered:
    """The same if only answers with at least this probability counted."""

    at_least: Probability
    answered: Probability
    accuracy: Said[Probability] = None


@dataclass(frozen=True)
class Bin:
    """Pictures whose winner has about the same probability: its mean, and how often the winner is right."""

    probability: Probability
    accuracy: Probability
    pictures: NonNegativeInt
    accuracy_interval: Said[Interval] = None


@dataclass(frozen=True)
class Measures(Accuracy):
    """How right the winner is; `confusion` has a row for what pictures show, a column for what won."""

    labels: Named[OfLabel] = field(default_factory=dict)
    confusion: Said[tuple[tuple[NonNegativeInt, ...], ...]] = None
    ece: Said[FiniteFloat] = None
    verdicts: Said[Verdicts] = None
    coverage: Several[Covered] = ()
    reliability: Several[Bin] = ()


@dataclass(frozen=True)
class Between(Accuracy):
    """How well it tells two classes from each other."""

    pair: Said[tuple[str, str]] = None


@dataclass(frozen=True)
class Outside:
    """Which verdicts it gives, as shares, to pictures that show none of its classes."""

    pictures: Said[NonNegativeInt] = None
    verdicts: Named[Probability] = field(default_factory=dict)


@dataclass(frozen=True)
class AsFound:
    """The accuracy against labels that nobody has corrected."""

    all: Said[Accuracy] = None


@dataclass(frozen=True)
class Metrics:
    """What the manifest calls `metrics`."""

    split: Said[str] = None
    all: Annotated[Measures, otherwise(Measures())] = Measures()
    folders: Named[Accuracy] = field(default_factory=dict)
    slices: Named[Accuracy] = field(default_factory=dict)
    between: Said[Between] = None
    outside: Named[Outside] = field(default_factory=dict)
    labels_as_found: Said[AsFound] = None


@dataclass(frozen=True)
class Threshold:
    """What a class's probability has to reach to be the verdict; found on so many pictures."""

    at_least: Probability
    pictures: Said[NonNegativeInt] = None


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities, and probabilities verdicts."""

    temperature: Said[FiniteFloat] = None
    coverage: Said[Probability] = None
    thresholds: Named[Threshold] = field(default_factory=dict)


@dataclass(frozen=True)
class Seed:
    """One training of several that differ by chance alone."""

    seed: int
    accuracy: Said[Probability] = None


@dataclass(frozen=True)
class Training:
    """What it was trained on: pictures on each side of the split, and what is known of them."""

    pictures: Named[NonNegativeInt] = field(default_factory=dict)
    dataset_fingerprint: Said[str] = None
    corrected_labels: Said[NonNegativeInt] = None
    seed: Said[int] = None
    seeds: Several[Seed] = ()
    libraries: Named[str] = field(default_factory=dict)


METRICS: TypeAdapter[Metrics] = TypeAdapter(Annotated[Metrics, otherwise(Metrics())])
CALIBRATION: TypeAdapter[Calibration] = TypeAdapter(Annotated[Calibration, otherwise(Calibration())])
TRAINING: TypeAdapter[Training] = TypeAdapter(Annotated[Training, otherwise(Training())])
_WORDS: TypeAdapter[Mapping[str, str | float]] = TypeAdapter(Named[str | FiniteFloat])


def beside(metrics: Any) -> Mapping[str, str | float]:
    """Single numbers and words among the metrics that have no place here, by their names."""
    said = _WORDS.validate_python(metrics)
    return {name: value for name, value in said.items() if name not in Metrics.__dataclass_fields__}
