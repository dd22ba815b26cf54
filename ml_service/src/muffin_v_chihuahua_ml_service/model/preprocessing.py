"""A picture's bytes to the array that the network was trained on: the one place where this is done.

Training, serving and the command line all come here. Pillow decodes and resizes, because other libraries'
decoders and resizers give other pixels and so other answers.
"""

import hashlib
import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from pydantic import BaseModel, ConfigDict, PositiveInt

from ..settings import DEFAULT_LIMITS, PictureLimits
from .pictures.checks import check
from .pictures.header import COPIED_PIXELS, STRIP_PIXELS
from .pictures.memory import MemoryBudget
from .pictures.opening import DECODING_ERRORS, opened, read_header

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The tag Orientation (TIFF 6.0, page 36) to what sets the picture upright."""

_QUARTER_TURNS = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)

_FROM_THE_RIGHT = (Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90)
"""Those of them that make the last column the first row."""

_DRAFT_MARGIN = 2
"""A JPEG may be decoded smaller, as long as it stays this many times larger than needed."""

_RESIZED_AS_THEY_ARE = ("RGB", "L")
"""The modes that give the same bytes when they are resized first and become RGB then."""

_WIDEST_FILTER = 3
"""Pixels on each side that Lanczos looks at."""


class Preprocessing(BaseModel):
    """How a bundle wants its pictures: the part of the manifest that is shared by training and serving.

    The shorter side becomes ``resize_shorter_side`` pixels, and the middle ``height`` x ``width`` is cut out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: PositiveInt
    height: PositiveInt
    resize_shorter_side: PositiveInt
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    orientation: Literal["exif"] = "exif"
    colour: Literal["rgb"] = "rgb"
    alpha_background: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True)
class Prepared:
    """A picture as the network wants it, and how large it was."""

    array: NDArray[np.float32]
    """float32 [height, width, 3], RGB in [0, 255]."""
    pixels: int


def preprocess(data: bytes, how: Preprocessing) -> NDArray[np.float32]:
    """Decode one picture: float32 [height, width, 3], RGB in [0, 255]; raises what ``prepare`` raises."""
    return prepare(data, how).array


def prepare(
    data: bytes,
    how: Preprocessing,
    limits: PictureLimits = DEFAULT_LIMITS,
    budget: MemoryBudget | None = None,
) -> Prepared:
    """Decode one picture.

    Args:
        data: the picture's bytes.
        how: what the network wants.
        limits: what is refused by the header, before anything is decoded.
        budget: shared by the threads that decode, so that many large pictures wait for each other.

    Raises:
        NotAPicture: the bytes begin like none of the formats.
        UnsupportedPictureFormat: they are a format that is not on the list.
        TooManyPixels, TooManyFrames, TooManyParts: the header says more than the limits.
        BrokenPicture: truncated or damaged.
    """
    smallest = _DRAFT_MARGIN * how.resize_shorter_side
    header = read_header(data)
    needed = header.memory(smallest)
    check(header, limits, needed)
    with nullcontext() if budget is None else budget.hold(needed), opened(data, header) as image:
        image.draft(None, (smallest, smallest))
        array = np.asarray(_fit(image, how), dtype=np.float32)
    return Prepared(array, header.pixels)


def array_digest(array: NDArray[np.float32]) -> str:
    """Hexadecimal SHA-256 of an array's values: C order, little-endian float32."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()


def _fit(image: Image.Image, how: Preprocessing) -> Image.Image:
    """The picture as the network wants it: 8-bit RGB, upright, ``how.width`` x ``how.height`` pixels."""
    image.load()
    turn = _TURNS.get(_orientation(image))
    if turn in _QUARTER_TURNS:
        # Resizing goes along the rows first and rounds in between: lying, it would become other pixels.
        return _fit_in_strips(image, how, turn)
    plain = image.mode in _RESIZED_AS_THEY_ARE and not image.has_transparency_data
    fitted = _fit_at_once(image, how) if plain else _fit_in_strips(image, how, None)
    return fitted if turn is None else fitted.transpose(turn)


def _fit_at_once(image: Image.Image, how: Preprocessing) -> Image.Image:
    box = _middle(image.size, (how.width, how.height), how.resize_shorter_side)
    fitted = image.resize((how.width, how.height), _filter(how), box)
    return to_rgb(fitted, how.alpha_background)


def _fit_in_strips(
    image: Image.Image, how: Preprocessing, quarter_turn: Image.Transpose | None
) -> Image.Image:
    """The same bytes as of the whole picture in RGB, upright, in less memory.

    Pillow resizes each band on its own, so a large picture is held in one of them at a time beside itself.
    """
    small = image.width * image.height <= COPIED_PIXELS
    bands = [_fit_band(image, how, quarter_turn, band) for band in (("RGB",) if small else "RGB")]
    return bands[0] if small else Image.merge("RGB", bands)


def _fit_band(
    image: Image.Image, how: Preprocessing, quarter_turn: Image.Transpose | None, band: str
) -> Image.Image:
    """One band of the picture, or all of them, as grey or as RGB."""
    size = image.size if quarter_turn is None else (image.height, image.width)
    box = _middle(size, (how.width, how.height), how.resize_shorter_side)
    upright = Image.new("RGB" if band == "RGB" else "L", size, None)
    for first, last in _strips(size, box, how.height):
        strip = to_rgb(_rows(image, first, last, quarter_turn), how.alpha_background)
        upright.paste(strip if band == "RGB" else strip.getchannel(band), (0, first))
    return upright.resize((how.width, how.height), _filter(how), box)


def _strips(
    size: tuple[int, int], box: tuple[float, float, float, float], height: int
) -> Iterator[tuple[int, int]]:
    """The rows that have a part in those of the box when they become ``height``, a few at a time."""
    _, top, _, bottom = box
    reach = _WIDEST_FILTER * max(1, (bottom - top) / height) + 1
    start, end = max(0, math.floor(top - reach)), min(size[1], math.ceil(bottom + reach))
    step = max(1, STRIP_PIXELS // size[0])
    for first in range(start, end, step):
        yield first, min(first + step, end)


def _rows(image: Image.Image, first: int, last: int, quarter_turn: Image.Transpose | None) -> Image.Image:
    """Rows of the picture as it will be when it is upright."""
    if quarter_turn is None:
        return image.crop((0, first, image.width, last))
    if quarter_turn in _FROM_THE_RIGHT:
        first, last = image.width - last, image.width - first
    return image.crop((first, 0, last, image.height)).transpose(quarter_turn)


def _filter(how: Preprocessing) -> Image.Resampling:
    return Image.Resampling[how.interpolation.upper()]


def _middle(
    size: tuple[int, int], cut: tuple[int, int], shorter_side: int
) -> tuple[float, float, float, float]:
    """The box of ``size`` that becomes ``cut`` when the shorter side becomes ``shorter_side`` pixels."""
    scale = min(size) / shorter_side
    width, height = min(cut[0] * scale, size[0]), min(cut[1] * scale, size[1])
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """8-bit RGB of any picture, what is transparent laid over ``background``; RGB is not copied."""
    image.load()
    if image.mode.startswith("I"):  # 16 bit grey: Pillow's own conversion cuts off everything above 255
        return Image.fromarray((np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        opaque = Image.new("RGBA", with_alpha.size, background)
        return Image.alpha_composite(opaque, with_alpha).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*DECODING_ERRORS, TypeError):
        return 1  # damaged metadata says nothing about how the picture lies, and the picture itself is fine
