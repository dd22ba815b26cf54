"""Folders of class folders to samples, each on one side of the split for good."""

import hashlib
import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import InvalidDataset
from .corrections import Corrections

Split = Literal["train", "validation", "calibration", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

_UPPER_BOUNDS = (70, 75, 85, 100)
"""Of a hundred pictures, the first 70 train, the next 5 validate, the next 10 calibrate and 15 test."""

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}

NEAR_DUPLICATE_BITS = 6
"""Two pictures whose 64-bit perceptual hashes differ in at most so many bits count as the same picture."""


@dataclass(frozen=True)
class Sample:
    """A picture on disk, what it shows, and its side of the split."""

    path: Path
    label: str
    folder: str
    """Name of the data folder that it was found in."""
    split: Split
    sha256: str
    group: str
    """The smallest SHA-256 among its near-duplicates, itself included."""


def read_dataset(folders: Iterable[Path]) -> list[Sample]:
    """All pictures of folders that hold a folder a class, sorted by path.

    A picture's side follows from the SHA-256 of its content, or from the smallest among its near-duplicates,
    so it depends on no name, on no label, and on nothing else in the folders.

    Raises:
        InvalidDataset: a folder is missing or has no class folders with pictures.
    """
    pictures = [picture for folder in folders for picture in _pictures(folder)]
    digests, hashes = zip(*(_identify(path) for path, _ in pictures), strict=True)
    groups = _near_duplicates(hashes)
    first: dict[int, str] = {}
    for group, digest in zip(groups, digests, strict=True):
        first[group] = min(digest, first.get(group, digest))
    return [
        Sample(path, label, path.parent.parent.name, _side(first[group]), digest, first[group])
        for (path, label), group, digest in zip(pictures, groups, digests, strict=True)
    ]


def corrected(samples: Iterable[Sample], corrections: Corrections) -> list[Sample]:
    """The samples with what they really show; those that show none of the classes are left out."""
    return [
        replace(sample, label=label)
        for sample in samples
        if (label := corrections.get(sample.sha256, sample.label)) is not None
    ]


def fingerprint(samples: Iterable[Sample]) -> str:
    """SHA-256 over the sorted lines ``<sha256>,<label>,<split>``: the same data, the same fingerprint."""
    lines = sorted(f"{sample.sha256},{sample.label},{sample.split}\n" for sample in samples)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _pictures(folder: Path) -> list[tuple[Path, str]]:
    if not folder.is_dir():
        raise InvalidDataset(f"{folder}: there is no such folder.")
    found = [
        (path, path.parent.name)
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    ]
    if not found:
        raise InvalidDataset(f"{folder}: expected a folder for each class with pictures in it.")
    return found


def _side(digest: str) -> Split:
    return SPLITS[bisect_right(_UPPER_BOUNDS, int(digest, 16) % 100)]


def _identify(path: Path) -> tuple[str, int]:
    """SHA-256 and 64-bit perceptual hash of a picture."""
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            return hashlib.sha256(data).hexdigest(), int(str(imagehash.phash(image)), 16)
    except OSError as error:
        raise InvalidDataset(f"{path}: not a picture that can be read ({error}).") from error


def _near_duplicates(hashes: Sequence[int]) -> list[int]:
    """A group number for each picture; near-duplicates, even through others, share one."""
    values = np.array(hashes, dtype=np.uint64)
    parents = list(range(len(values)))
    for index, value in enumerate(values):
        for other in _close_to(value, values[:index]):
            parents[_root(parents, index)] = _root(parents, int(other))
    return [_root(parents, index) for index in range(len(values))]


def _close_to(value: np.uint64, others: NDArray[np.uint64]) -> NDArray[np.intp]:
    return np.flatnonzero(np.bitwise_count(others ^ value) <= NEAR_DUPLICATE_BITS)


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def by_split(samples: Sequence[Sample]) -> dict[Split, list[Sample]]:
    """The samples of each side; a side without any is an empty list."""
    return {split: [sample for sample in samples if sample.split == split] for split in SPLITS}


def class_indices(samples: Sequence[Sample], labels: Sequence[str]) -> NDArray[np.int64]:
    """What each sample shows, as the index of its label: int64 [N]."""
    return np.array([labels.index(sample.label) for sample in samples], dtype=np.int64)
