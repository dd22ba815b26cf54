"""The model as an artefact: a folder with a manifest, weights, and pictures that prove it right.

``model.json`` describes all of it and holds the SHA-256 of every other file, so the manifest's own digest
stands for the whole bundle.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

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

FormatVersion = Literal[2, 3, 4]
FORMAT_VERSION: FormatVersion = 4
"""What is written; 3, which knows no activation maps, and 2, which knows no int8 either, are read as well."""

EngineName = Literal["litert", "onnxruntime", "openvino", "tensorflow"]
Precision = Literal["f32", "bf16", "int8"]


def is_plain(path: str) -> bool:
    """Whether a name with slashes means, on every system, a file inside the folder that it is joined to."""
    # Windows's separators, what ends a line, and halves of characters, which no disk can spell.
    strange = any(each in "\\:" or each < " " or "\ud800" <= each <= "\udfff" for each in path)
    return not strange and not {"", ".", ".."} & set(path.split("/"))


def _stays_inside(path: str) -> str:
    if not is_plain(path) or path == MANIFEST:
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


class ClassFamiliarity(_Part):
    """Where the probability of one class fades, and how many calibration pictures that follows from."""

    familiar_from: float = Field(ge=-1, le=1)
    unknown_below: float = Field(ge=-1, le=1)
    pictures: PositiveInt


class Familiarity(_Part):
    """How the network answers pictures unlike those that it learnt a class from; it applies this itself.

    A picture is as familiar as a class as its features in ``layer`` are close, by cosine similarity, to the
    farthest of their nearest ``neighbours`` among the pictures of the class in a bank of ``bank`` training
    pictures. Down to ``familiar_from``, the class keeps its probability. From there to ``unknown_below`` it
    loses all but a twentieth of it to ``becomes``, or, where that is None, to all labels evenly.
    """

    layer: str
    bank: PositiveInt
    neighbours: PositiveInt
    becomes: str | None
    classes: dict[str, ClassFamiliarity]


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


class Quantised(_Part):
    """The network in int8, as ONNX, and how far it is from f32 on pictures that it was not calibrated on."""

    file: RelativePath
    tolerance: Probability
    """How far its probabilities may be from the golden ones; more than they were when it was measured."""
    calibrated_on: PositiveInt
    """Pictures that the ranges of its numbers follow from."""
    pictures: PositiveInt
    """Pictures that it was measured on."""
    largest_difference: Probability
    """Between a probability in int8 and the same in f32."""
    changed_verdicts: int = Field(ge=0)


class ActivationMaps(_Part):
    """What a class activation map is made of, where the network ends in global average pooling and a head.

    Its artefacts have the last feature map [N, height, width, channels] as their second output, which they
    compute anyway; ``head`` is a NumPy file float32 [channels + 1, labels], the bias in its last row.
    """

    head: RelativePath


class Manifest(_Part):
    """``model.json``."""

    format_version: FormatVersion = FORMAT_VERSION
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
    quantised: Quantised | None = None
    """Where there is one, the engines that read ONNX can run it instead of their artefact."""
    activation_maps: ActivationMaps | None = None
    """Where there are none, an answer is explained by hiding parts of the picture."""
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
        if self.quantised is not None:
            named.append(self.quantised.file)
        if self.activation_maps is not None:
            named.append(self.activation_maps.head)
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
            *(familiarity.classes if familiarity else ()),
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
        bundle = cls(folder, parse_manifest(content, str(path)), digest_of(content))
        bundle._check_files()
        return bundle

    def artefact(self, engine: EngineName, precision: Precision = "f32") -> Path | None:
        """The file that the engine runs in this precision, or None where the bundle has none for it."""
        name = self.manifest.artefacts.get(engine)
        if precision == "int8":
            quantised = self.manifest.quantised
            name = quantised.file if name is not None and quantised is not None else None
        return None if name is None else self.folder / name

    def _check_files(self) -> None:
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise InvalidBundle(f"{path}: the manifest lists it, but it is not there.")
            if file_entry(path) != entry:
                raise InvalidBundle(f"{path}: is not the file that the manifest lists; changed or damaged.")


def digest_of(manifest: bytes) -> str:
    """The digest of the bundle whose ``model.json`` has these bytes."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def parse_manifest(content: bytes, name: str) -> Manifest:
    """Read the bytes of a ``model.json`` that goes by this name.

    Raises:
        InvalidBundle: they are none, or one of an unknown format.
    """
    try:
        raw = json.loads(content)
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if version not in get_args(FormatVersion):
            *others, last = map(str, get_args(FormatVersion))
            known = f"{', '.join(others)} and {last}"
            raise InvalidBundle(
                f"{name}: format_version {version!r} is unknown, this release reads {known}; "
                "use a release of the service that knows it, or build the bundle again."
            )
        return Manifest.model_validate(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidBundle(f"{name}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        parts = (part if str(part).isprintable() else repr(part) for part in first["loc"])
        return f"{'.'.join(map(str, parts))}: {first['msg']}."
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
    named = [*manifest["artefacts"].values(), *(picture["file"] for picture in manifest["golden"]), CARD]
    if manifest.get("quantised"):
        named.append(manifest["quantised"]["file"])
    if manifest.get("activation_maps"):
        named.append(manifest["activation_maps"]["head"])
    files = {name: file_entry(folder / name) for name in named}
    content = {**manifest, "files": {name: entry.model_dump() for name, entry in sorted(files.items())}}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return ModelBundle.read(folder)


def manifest_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``model.json``; ``model.schema.json`` beside this module holds it."""
    schema = Manifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": MANIFEST}
