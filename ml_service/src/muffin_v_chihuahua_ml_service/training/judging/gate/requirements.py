"""What a bundle has to reach before it is built: the manifest's ``gate``."""

from pydantic import BaseModel, ConfigDict, ValidationError

from ....errors import InvalidBundle
from ....model.bundle import Manifest, Probability
from ..behaviour.versions import SIMILAR


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassRequirement(_Part):
    """What one label has to reach, where that differs from the rest."""

    precision: Probability | None = None
    recall: Probability | None = None


class Requirements(_Part):
    """The least, or the most, that each measure may be: it counts what was measured, not its interval."""

    precision: Probability = 0.9
    """Of each label."""
    recall: Probability = 0.9
    """Of each label."""
    classes: dict[str, ClassRequirement] = {}
    """Other numbers for some labels."""
    majority_margin: Probability = 0.0
    """How far the lower end of the accuracy's interval is above the share of the largest class, at least."""
    calibrated: bool = True
    """The temperature is fitted, and each label has a threshold."""
    ece: Probability = 0.05
    """The most that the expected calibration error may be."""
    behaviour: bool = True
    """The behaviour is measured, and is as the next two say."""
    changed_verdicts: Probability = 0.02
    """The most verdicts that a change which does not matter may change."""
    versions: dict[str, Probability] = {}
    """Other numbers for some of these changes."""
    abstains: Probability = 0.98
    """The least pictures that end as ``unsure`` or as the negative label where nothing is left to see."""
    slice_gap: Probability = 0.05
    """How far under the mean the accuracy on a kind of picture may be."""

    def precision_of(self, label: str) -> float:
        """The least precision of a label."""
        own = self.classes.get(label, ClassRequirement()).precision
        return self.precision if own is None else own

    def recall_of(self, label: str) -> float:
        """The least recall of a label."""
        own = self.classes.get(label, ClassRequirement()).recall
        return self.recall if own is None else own


def requirements_of(manifest: Manifest) -> Requirements | None:
    """What the manifest's ``gate`` asks for, or None where nobody asked for anything.

    Raises:
        InvalidBundle: it asks for what this release does not know.
    """
    if manifest.gate is None:
        return None
    where = f"{manifest.name} {manifest.version}: gate"
    try:
        wanted = Requirements.model_validate(manifest.gate)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidBundle(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    if unknown := sorted(wanted.classes.keys() - set(manifest.labels)):
        raise InvalidBundle(f"{where}: classes: {unknown[0]!r} is none of the labels.")
    if unknown := sorted(wanted.versions.keys() - SIMILAR.keys()):
        raise InvalidBundle(f"{where}: versions: {unknown[0]!r} is none of {', '.join(SIMILAR)}.")
    return wanted
