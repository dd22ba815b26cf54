"""What a picture looks like, whatever it shows."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""The weights of red, green and blue in brightness (ITU-R BT.601)."""

_LYING = (5, 6, 7, 8)
"""The values of the tag Orientation (TIFF 6.0, page 36) that swap width and height."""

_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, struct.error)
"""What Pillow raises on damaged metadata, which say nothing about how a picture lies."""

_BITS = 4
"""So many bits of each channel tell two colours from each other."""

_FEW = 8
"""So many colours are few."""


@dataclass(frozen=True)
class Look:
    """What can be said of a picture without knowing what it shows."""

    width: int
    """Pixels of the file, upright."""
    height: int
    brightness: float
    """Mean luma in [0, 255] of what the network sees."""
    flatness: float
    """The share of what the network sees that its eight most frequent colours make up."""


def look_at(path: Path, picture: NDArray[np.float32]) -> Look:
    """The look of a file, and of the array float32 [height, width, 3] in [0, 255] that was made of it."""
    with Image.open(path) as image:
        width, height = reversed(image.size) if lies(image) else image.size
    return Look(width, height, float((picture @ _LUMA).mean()), _flatness(picture))


def upright(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says, or as it is where its metadata are damaged."""
    return image if _orientation(image) is None else ImageOps.exif_transpose(image)


def lies(image: Image.Image) -> bool:
    """Whether a picture has to be turned by a quarter to be upright."""
    return _orientation(image) in _LYING


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGED:
        return None


def _flatness(picture: NDArray[np.float32]) -> float:
    channels = picture.astype(np.int64) >> (8 - _BITS)
    colours = (channels @ (1 << _BITS * np.arange(3))).ravel()
    counts = np.sort(np.bincount(colours))
    return float(counts[-_FEW:].sum() / counts.sum())
