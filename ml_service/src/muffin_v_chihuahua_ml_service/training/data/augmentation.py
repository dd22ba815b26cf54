"""Other views of a training picture, like those that people post: flipped, cropped, small, compressed."""

import io
import random

from PIL import Image, ImageEnhance, ImageOps

from ...model.preprocessing import to_rgb

_HALF = 0.5

_SMALLEST_SIDE = 72
"""Pixels; half of the pictures that are posted are thumbnails, few are smaller than this."""


def random_view(data: bytes, rng: random.Random, background: tuple[int, int, int]) -> bytes:
    """A JPEG of the same picture, upright, as it might have come from somebody else.

    Args:
        data: the picture's bytes, in any format that the service accepts.
        rng: where the randomness comes from; the same state gives the same view.
        background: what shows through where the picture is transparent.
    """
    with Image.open(io.BytesIO(data)) as opened:
        upright = to_rgb(ImageOps.exif_transpose(opened), background)
    image = _crop(upright, rng)
    if rng.random() < _HALF:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = _shrink(image, rng)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.75, 1.25))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=rng.randint(40, 95))
    return jpeg.getvalue()


def _crop(image: Image.Image, rng: random.Random) -> Image.Image:
    share = rng.uniform(0.7, 1.0)
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _shrink(image: Image.Image, rng: random.Random) -> Image.Image:
    shorter = min(image.size)
    if shorter <= _SMALLEST_SIDE or rng.random() < _HALF:
        return image
    factor = rng.randint(_SMALLEST_SIDE, shorter) / shorter
    return image.resize(
        (round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR
    )
