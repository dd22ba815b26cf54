"""Other views of a training picture, like those that people post: cropped, turned, small, compressed."""

import io
import random

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from ...model.preprocessing import to_rgb

_LARGEST_SIDE = 512
"""Pixels that a JPEG is decoded to at least; a view is cut and made smaller anyway."""

_SMALLEST_SIDE, _LARGEST_SMALL_SIDE = 72, 224
"""Pixels; half of the pictures that are posted are thumbnails, few are smaller than this."""

_CORNERS = 0.1
"""Share of each side that is cut off after a turn; what is left of a corner has the mean colour."""


def random_view(data: bytes, rng: random.Random, background: tuple[int, int, int]) -> bytes:
    """A JPEG of the same picture, upright, as it might have come from somebody else.

    Args:
        data: the picture's bytes, in any format that the service accepts.
        rng: where the randomness comes from; the same state gives the same view.
        background: what shows through where the picture is transparent.
    """
    with Image.open(io.BytesIO(data)) as opened:
        opened.draft(None, (_LARGEST_SIDE, _LARGEST_SIDE))
        image = to_rgb(ImageOps.exif_transpose(opened), background)
    for change in (_crop, _flip, _turn, _squeeze, _shrink, _recolour):
        image = change(image, rng)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=rng.randint(35, 95))
    return jpeg.getvalue()


def _crop(image: Image.Image, rng: random.Random) -> Image.Image:
    share, aspect = rng.uniform(0.55, 1) ** 0.5, 2 ** rng.uniform(-0.2, 0.2)
    width = min(image.width, max(1, round(image.width * share * aspect)))
    height = min(image.height, max(1, round(image.height * share / aspect)))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _flip(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image  # noqa: PLR2004


def _turn(image: Image.Image, rng: random.Random) -> Image.Image:
    if rng.random() >= 0.3:  # noqa: PLR2004 - three pictures in ten
        return image
    mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    turned = image.rotate(rng.uniform(-15, 15), Image.Resampling.BILINEAR, fillcolor=mean)
    left, top = int(image.width * _CORNERS), int(image.height * _CORNERS)
    return turned.crop((left, top, image.width - left, image.height - top))


def _squeeze(image: Image.Image, rng: random.Random) -> Image.Image:
    """Many sites make every thumbnail a square."""
    if rng.random() >= 0.3:  # noqa: PLR2004 - three pictures in ten
        return image
    return _resize(image, 2 ** rng.uniform(-0.4, 0.4), 1, Image.Resampling.BILINEAR)


def _shrink(image: Image.Image, rng: random.Random) -> Image.Image:
    """Small, or else, now and then, as large as before and blurred."""
    shorter = min(image.size)
    if shorter > _SMALLEST_SIDE and rng.random() < 0.6:  # noqa: PLR2004 - six in ten
        factor = rng.randint(_SMALLEST_SIDE, min(shorter, _LARGEST_SMALL_SIDE)) / shorter
        return _resize(
            image, factor, factor, rng.choice((Image.Resampling.BILINEAR, Image.Resampling.LANCZOS))
        )
    if rng.random() < 0.15:  # noqa: PLR2004 - one in seven of the others
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.5) * shorter / _LARGEST_SMALL_SIDE))
    return image


def _resize(image: Image.Image, horizontally: float, vertically: float, how: Image.Resampling) -> Image.Image:
    size = max(1, round(image.width * horizontally)), max(1, round(image.height * vertically))
    return image.resize(size, how)


def _recolour(image: Image.Image, rng: random.Random) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.7, 1.3))
    return ImageOps.grayscale(image).convert("RGB") if rng.random() < 0.1 else image  # noqa: PLR2004
