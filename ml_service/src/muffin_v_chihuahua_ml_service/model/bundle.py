"""The model as an artefact: a folder with a manifest, weights, and pictures that prove it right.

``model.json`` describes all of it and holds the SHA-256 of every other file, so the manifest's own digest
stands for the whole bundle.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from ..errors import InvalidBundle
from .preprocessing import Preprocessing

MANIFEST = "model.json"
CARD = "MODEL_CARD.md"
FORMAT_VERSION: Literal[2] = 2

EngineName = Literal["litert", "tensorflow"]


def _stays_inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or path == MANIFEST:
        msg = f"{path!r} is not a path inside the bundle"
        raise ValueError(msg)
    return path


RelativePath = Annotated[str, AfterValidator(_stays_inside)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Part):
    """What a file of the bundle must be, byte for byte."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Threshold(_Part):
    """The probability that a winner needs, and how many calibration pictures of its class it follows from."""

    at_least: Probability
    pictures: PositiveInt


class Familiarity(_Part):
    """How the network answers pictures unlike all that it learnt from; the network itself applies this.

    A picture's familiarity is its largest cosine similarity, in the features of ``layer``, to one of ``bank``
    training pictures. Down to ``familiar_from`` the probabilities stay as they are; from there to
    ``unknown_below`` they turn into ``becomes``, or into an even spread where that is None.
    """

    layer: str
    bank: PositiveInt
    familiar_from: float = Field(ge=-1, le=1)
    unknown_below: float = Field(ge=-1, le=1)
    becomes: str | None
    pictures: PositiveInt
    """How many calibration pictures the two numbers follow from."""


class Calibration(_Part):
    """What makes probabilities honest and turns them into a verdict.

    Temperature and familiarity are inside the network; the thresholds are applied by the predictor. They come
    from split conformal prediction by class: on pictures like the calibration ones, a share ``coverage`` of
    each class gives its true label a probability of at least its threshold.
    """

    temperature: PositiveFloat
    coverage: Probability | None = None
    thresholds: dict[str, Threshold] = {}
    familiarity: Familiarity | None = None


class GoldenPicture(_Part):
    """A picture with the probabilities, in the order of the labels, that every engine must give it."""

    file: RelativePath
    label: str | None = None
    """What the picture shows, where it shows one of the labels."""
    array_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of its preprocessed array, C order, little-endian float32."""
    probabilities: tuple[Probability, ...]


class Manifest(_Part):
    """``model.json``."""

    format_version: Literal[2] = FORMAT_VERSION
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: str = Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([.+-]?[A-Za-z0-9.]+)?$")
    description: str
    """What it is, in a sentence or two: the first thing that the card says."""
    labels: tuple[str, ...] = Field(min_length=2)
    preprocessing: Preprocessing
    calibration: Calibration
    golden: tuple[GoldenPicture, ...] = Field(min_length=1)
    golden_tolerance: Probability
    training: dict[str, Any]
    gate: dict[str, Any] | None
    """What the model has to reach before it is built, or None where nobody asked for anything."""
    metrics: dict[str, Any]
    artefacts: dict[EngineName, RelativePath] = Field(min_length=1)
    files: dict[RelativePath, FileEntry]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            msg = "two labels are the same"
            raise ValueError(msg)
        self._check_names()
        for golden in self.golden:
            if len(golden.probabilities) != len(self.labels):
                msg = f"{golden.file} does not have one probability for each of {len(self.labels)} labels"
                raise ValueError(msg)
        named = [*self.artefacts.values(), *(golden.file for golden in self.golden)]
        if missing := [name for name in named if name not in self.files]:
            msg = f"{missing[0]} is used but not listed under files"
            raise ValueError(msg)
        return self

    def _check_names(self) -> None:
        """Every label that is spoken of must be one of the labels."""
        familiarity = self.calibration.familiarity
        spoken_of = {
            *self.calibration.thresholds,
            *(golden.label for golden in self.golden if golden.label is not None),
            *([familiarity.becomes] if familiarity and familiarity.becomes is not None else []),
        }
        if unknown := sorted(spoken_of - set(self.labels)):
            msg = f"{unknown[0]!r} is none of the labels"
            raise ValueError(msg)


@dataclass(frozen=True)
class ModelBundle:
    """A folder whose manifest has been read and whose other files are as the manifest says."""

    folder: Path
    manifest: Manifest
    digest: str
    """``sha256:`` and the hexadecimal SHA-256 of the manifest's bytes."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest and check every file against it.

        Raises:
            InvalidBundle: a file is missing, changed or not understood; the message names it.
        """
        path = folder / MANIFEST
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InvalidBundle(f"{path}: cannot be read ({error.strerror}).") from error
        bundle = cls(folder, _parse(content, path), f"sha256:{hashlib.sha256(content).hexdigest()}")
        bundle._check_files()
        return bundle

    def artefact(self, engine: EngineName) -> Path | None:
        """The file that the engine runs, or None where the bundle has none for it."""
        name = self.manifest.artefacts.get(engine)
        return None if name is None else self.folder / name

    def _check_files(self) -> None:
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise InvalidBundle(f"{path}: the manifest lists it, but it is not there.")
            if file_entry(path) != entry:
                raise InvalidBundle(f"{path}: is not the file that the manifest lists; changed or damaged.")


def _parse(content: bytes, path: Path) -> Manifest:
    try:
        raw = json.loads(content)
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if version != FORMAT_VERSION:
            raise InvalidBundle(
                f"{path}: format_version {version!r} is unknown, this release reads {FORMAT_VERSION}; "
                "use a release of the service that knows it, or build the bundle again."
            )
        return Manifest.model_validate(raw)
    except (ValidationError, ValueError) as error:
        raise InvalidBundle(f"{path}: {_first_line(error)}") from error


def _first_line(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
    return f"not JSON ({error})."


def file_entry(path: Path) -> FileEntry:
    """Digest and size of a file as it is now."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(sha256=digest, size=path.stat().st_size)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> ModelBundle:
    """Write ``model.json`` for the files that lie in ``folder``: their digests are computed here.

    Args:
        folder: the bundle's folder with artefacts, golden pictures and card in place.
        manifest: the fields of ``Manifest`` without ``files``.

    Raises:
        InvalidBundle: what would be written could not be read back.
    """
    golden = [picture["file"] for picture in manifest["golden"]]
    files = {name: file_entry(folder / name) for name in [*manifest["artefacts"].values(), *golden, CARD]}
    content = {**manifest, "files": {name: entry.model_dump() for name, entry in sorted(files.items())}}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return ModelBundle.read(folder)
