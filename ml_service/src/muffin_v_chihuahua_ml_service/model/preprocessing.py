"""A picture's bytes to the array that the network was trained on: the one place where this is done.

Training, serving and the command line all come here. Pillow decodes and resizes, because other libraries'
decoders and resizers give other pixels and so other answers.
"""

import hashlib
import io
import struct
import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, PositiveInt

from ..errors import BrokenPicture, NotAPicture, TooManyPixels, UnsupportedPictureFormat
from ..settings import DEFAULT_MAX_PIXELS

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is decoded, in Pillow's names; decided by the content, never by a file's name."""

# Our own limit is applied before anything is decoded; Pillow's would raise or warn at another number.
Image.MAX_IMAGE_PIXELS = None

_OTHER_FORMATS = {
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"8BPS": "Photoshop",
    b"\x00\x00\x01\x00": "ICO",
}

_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    OverflowError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged data, by its documentation and its plugins' sources."""

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

_DRAFT_MARGIN = 2
"""A JPEG may be decoded smaller, as long as it stays this many times larger than needed."""


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


def preprocess(
    data: bytes, how: Preprocessing, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> NDArray[np.float32]:
    """Decode one picture: float32 [height, width, 3], RGB in [0, 255].

    Raises:
        NotAPicture: the bytes begin like none of the formats.
        UnsupportedPictureFormat: they are a format that is not on the list.
        TooManyPixels: the header says more than ``max_pixels``; nothing was decoded.
        BrokenPicture: truncated or damaged.
    """
    image = _open(data)
    if image.width * image.height > max_pixels:
        raise TooManyPixels(
            f"The picture has {image.width} x {image.height} pixels; at most {max_pixels} are accepted."
        )
    try:
        return np.asarray(_fit(image, how), dtype=np.float32)
    except _DECODING_ERRORS as error:
        raise BrokenPicture(f"The {image.format} picture is truncated or damaged ({error}).") from error


def array_digest(array: NDArray[np.float32]) -> str:
    """Hexadecimal SHA-256 of an array's values: C order, little-endian float32."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _not_accepted(data) from None
    except _DECODING_ERRORS as error:
        raise BrokenPicture(f"The picture's header is damaged ({error}).") from error


def _not_accepted(data: bytes) -> NotAPicture | UnsupportedPictureFormat:
    accepted = ", ".join(FORMATS)
    for start, name in _OTHER_FORMATS.items():
        if data.startswith(start):
            return UnsupportedPictureFormat(f"{name} is not accepted; send one of {accepted}.")
    # ISO 14496-12: the box that names the file's brand comes first, its name after its length.
    if data[4:8] == b"ftyp":
        brand = data[8:12].decode("ascii", "replace").upper()
        return UnsupportedPictureFormat(f"{brand} is not accepted; send one of {accepted}.")
    return NotAPicture(f"These {len(data)} bytes are not a picture; send one of {accepted}.")


def _fit(image: Image.Image, how: Preprocessing) -> Image.Image:
    """The picture as the network wants it: 8-bit RGB, upright, ``how.width`` x ``how.height`` pixels."""
    margin = _DRAFT_MARGIN * how.resize_shorter_side
    image.draft(None, (margin, margin))
    rgb = to_rgb(image, how.alpha_background)
    turn = _TURNS.get(_orientation(image))
    if turn in _QUARTER_TURNS:
        # Resizing goes along the rows first and rounds in between: lying, it would become other pixels.
        rgb, turn = rgb.transpose(turn), None
    fitted = rgb.resize(
        (how.width, how.height),
        Image.Resampling[how.interpolation.upper()],
        box=_middle(rgb.size, (how.width, how.height), how.resize_shorter_side),
    )
    return fitted if turn is None else fitted.transpose(turn)


def _middle(
    size: tuple[int, int], cut: tuple[int, int], shorter_side: int
) -> tuple[float, float, float, float]:
    """The box of ``size`` that becomes ``cut`` when the shorter side becomes ``shorter_side`` pixels."""
    scale = min(size) / shorter_side
    width, height = min(cut[0] * scale, size[0]), min(cut[1] * scale, size[1])
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """8-bit RGB of any picture, what is transparent laid over ``background``."""
    image.load()
    if image.mode.startswith("I"):  # 16 bit grey: Pillow's own conversion cuts off everything above 255
        return Image.fromarray((np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    opaque = Image.new("RGBA", with_alpha.size, background)
    opaque.alpha_composite(with_alpha)
    return opaque.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*_DECODING_ERRORS, TypeError):
        return 1  # damaged metadata says nothing about how the picture lies, and the picture itself is fine
