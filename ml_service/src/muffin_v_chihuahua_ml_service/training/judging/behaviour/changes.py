"""Other versions of one picture, as bytes that the service would get."""

import io
import math
import zlib
from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image, ImageEnhance, ImageOps

Change = Callable[[Image.Image], bytes]
"""An upright RGB picture to the bytes of another version of it."""

_LAID = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture has to lie so that the tag Orientation (TIFF 6.0, page 36) sets it upright again."""

_GREY = (128, 128, 128)
_NOISE_SPREAD = 64
"""Standard deviation of pure noise around grey: as wide as it can be with few values cut off."""


def encode(image: Image.Image, kind: str = "BMP", **options: object) -> bytes:
    """The picture's bytes; BMP loses nothing and costs no time."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def as_png(image: Image.Image) -> bytes:
    """Lossless, as most screenshots are."""
    return encode(image, "PNG", compress_level=1)


def as_lossless_webp(image: Image.Image) -> bytes:
    """Lossless, and quick to write."""
    return encode(image, "WEBP", lossless=True, quality=0, method=0)


def lying(image: Image.Image, orientation: int) -> bytes:
    """The picture turned or mirrored, with the EXIF tag that undoes it; lossless."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    laid = _LAID.get(orientation)
    turned = image if laid is None else image.transpose(laid)
    return encode(turned, "WEBP", lossless=True, quality=0, method=0, exif=exif)


def straightened(image: Image.Image, degrees: float) -> bytes:
    """Turned, and cut to the largest part of the same proportions that has no empty corner, as editors do."""
    width, height = image.size
    angle = math.radians(abs(degrees))
    longest = max(width / height, height / width)
    scale = 1 / (math.cos(angle) + longest * math.sin(angle))
    cut_width, cut_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    turned = image.rotate(degrees, Image.Resampling.BICUBIC)
    return encode(turned.crop((left, top, left + cut_width, top + cut_height)))


def resized(image: Image.Image, factor: float) -> bytes:
    """With so many times as many pixels on each side."""
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return encode(image.resize(size, Image.Resampling.BICUBIC))


def occluded(image: Image.Image, part: float) -> bytes:
    """With a grey patch in its middle that hides so large a part of it."""
    width, height = (round(side * math.sqrt(part)) for side in image.size)
    hidden = image.copy()
    patch = Image.new("RGB", (width, height), _GREY)
    hidden.paste(patch, ((image.width - width) // 2, (image.height - height) // 2))
    return encode(hidden)


def noisy(image: Image.Image, part: float) -> bytes:
    """Mixed with Gaussian noise: 0 is the picture, 1 is noise alone. The same picture gets the same noise."""
    rng = np.random.default_rng(zlib.crc32(image.tobytes()))
    values = rng.normal(_GREY[0], _NOISE_SPREAD, (image.height, image.width, 3))
    noise = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    return encode(Image.blend(image, noise, part))


def brighter(image: Image.Image, factor: float) -> bytes:
    """With its values multiplied, and cut off at white."""
    return encode(ImageEnhance.Brightness(image).enhance(factor))


def more_contrast(image: Image.Image, factor: float) -> bytes:
    """With its values so many times as far from their mean."""
    return encode(ImageEnhance.Contrast(image).enhance(factor))


def mirrored(image: Image.Image) -> bytes:
    """Left and right exchanged."""
    return encode(ImageOps.mirror(image))


def grey(image: Image.Image) -> bytes:
    """Without colour."""
    return encode(ImageOps.grayscale(image))
