"""Pictures that a person can read: what the model saw, the heat, and the one over the other."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colours import viridis

LONGER_EDGE = 448
"""Pixels of what is drawn, whatever the network takes."""

_STRONGEST = 0.75
"""How much of the picture's colour the greatest heat hides."""

_COLD = 0.3
"""How much of it is hidden, by the darkest colour, where there is no heat at all."""

_COMPRESSION = 1
"""Of the PNG: 9 would take ten times as long for a tenth fewer bytes."""


def seen(picture: NDArray[np.float32]) -> Image.Image:
    """What the model saw, enlarged: a prepared array float32 [height, width, 3] in [0, 255] as a picture."""
    # Networks scale their input themselves, so that there is nothing to be undone but the rounding.
    image = Image.fromarray(picture.clip(0, 255).round().astype(np.uint8))
    factor = max(1, LONGER_EDGE / max(image.size))
    size = round(image.width * factor), round(image.height * factor)
    return image.resize(size, Image.Resampling.BICUBIC)


def warmth(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """What speaks for each class [height, width, labels], in shares of the most that speaks for any."""
    speaks_for = maps.clip(0)
    most = speaks_for.max()
    return speaks_for / most if most > 0 else speaks_for


def heat_map(heat: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """The heat [height, width] in [0, 1] in colours, enlarged to ``size``."""
    return Image.fromarray(viridis(_enlarged(heat, size)))


def overlay(image: Image.Image, heat: NDArray[np.float32]) -> Image.Image:
    """The heat [height, width] in [0, 1] over the picture: the warmer a place, the more of its colour."""
    enlarged = _enlarged(heat, image.size)
    share = (_COLD + (_STRONGEST - _COLD) * enlarged)[..., np.newaxis]
    mixed = (1 - share) * np.asarray(image, dtype=np.float32) + share * viridis(enlarged)
    return Image.fromarray(mixed.round().astype(np.uint8))


def png(image: Image.Image) -> bytes:
    """The picture's bytes."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=_COMPRESSION)
    return file.getvalue()


def _enlarged(heat: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Smooth between the middles of the places, which the filter may overshoot."""
    image = Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32).clip(0, 1)
