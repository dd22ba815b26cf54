"""Everything that is measured of a bundle: what training writes into the manifest and the gate looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...model.bundle import Manifest
from ...model.predictor import Predictor
from ..data.dataset import Sample, Split, fingerprint
from .answers import Answers, answer
from .behaviour.behaviour import measure_behaviour, spread
from .behaviour.slices import measure_slices
from .latency import measure_latency
from .metrics import measure_between, measure_folders
from .outside import measure_outside

BEHAVIOUR_PICTURES = 200
"""With so many, one verdict is half a percent; each is asked about in more than 30 versions."""

LATENCY_PICTURES = 50

SplitChoice = Split | Literal["all"]


@dataclass(frozen=True)
class Scope:
    """On which pictures it is measured, and what beside the answers to them."""

    split: SplitChoice = "test"
    """The side of the split that the pictures are from."""
    behaviour: int = BEHAVIOUR_PICTURES
    """On how many pictures at most, 0 for none."""
    latency: int = LATENCY_PICTURES
    """On how many pictures at most, 0 for none; the only measure that differs each time."""
    negative: str | None = None
    """The label that stands for none of the others, if there is one."""
    between: tuple[str, str] | None = None
    """Two labels to tell from each other."""
    corrections: Path | None = None
    """A file of what pictures really show, whatever folder they lie in."""
    outside: tuple[Path, ...] = ()
    """Folders of pictures that show none of the classes."""


EVERYTHING = Scope()


def measure_bundle(
    predictor: Predictor, samples: Sequence[Sample], scope: Scope = EVERYTHING
) -> dict[str, Any]:
    """The manifest's ``metrics``: what the bundle answers to the samples, and how it behaves.

    Raises:
        InvalidDataset: a picture is one that the service refuses, or a folder has none.
    """
    return measure_answers(predictor, answer(predictor, samples), scope)


def measure_answers(predictor: Predictor, answers: Answers, scope: Scope) -> dict[str, Any]:
    """The same where the answers are there already."""
    measures = {
        "split": scope.split,
        "data_fingerprint": f"sha256:{fingerprint(answers.samples)}",
        "weights_sha256": weights_digest(predictor.bundle.manifest),
        "negative": scope.negative,
        **measure_folders(answers),
        "slices": measure_slices(answers),
    }
    if scope.between:
        measures["between"] = measure_between(answers, scope.between)
    if scope.outside:
        measures["outside"] = measure_outside(predictor, scope.outside)
    if scope.latency:
        measures["latency"] = measure_latency(predictor, spread(answers.samples, scope.latency))
    if scope.behaviour:
        measures["behaviour"] = measure_behaviour(predictor, answers.samples, scope.behaviour, scope.negative)
    return measures


def negative_label(manifest: Manifest) -> str | None:
    """The label that stands for none of the others, as far as the manifest knows."""
    familiarity = manifest.calibration.familiarity
    if familiarity is not None and familiarity.becomes is not None:
        return familiarity.becomes
    return manifest.metrics.get("negative")


def weights_digest(manifest: Manifest) -> str | None:
    """SHA-256 of the Keras weights, which every artefact is made of; None where it has none."""
    weights = manifest.artefacts.get("tensorflow")
    return None if weights is None else manifest.files[weights].sha256
