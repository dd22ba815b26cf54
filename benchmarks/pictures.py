"""The pictures that the services are asked about: three sizes, made once from photographs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

COUNT = 40
"""Of each size; they are asked in rotation, so that no service gains by having seen one before."""

DRAWN = Path(__file__).parents[1] / "frontend/src/muffin_v_chihuahua/pictures"
"""The gallery's drawings, for where there are no photographs."""


@dataclass(frozen=True)
class Size:
    """A kind of picture: its pixels, its JPEG quality, and the noise of its sensor in grey levels."""

    name: str
    pixels: tuple[int, int]
    quality: int = 90
    noise: float = 0.0


THUMBNAIL = Size("thumbnail", (224, 168))
PHOTO = Size("photo", (500, 375))
CAMERA = Size("camera", (4000, 3000), quality=93, noise=4.0)
"""A photograph that was only enlarged has a third of the bytes of a camera's: noise makes up for it."""

SIZES = (THUMBNAIL, PHOTO, CAMERA)


def read_pictures(photos: Path, cache: Path, size: Size, count: int = COUNT) -> list[bytes]:
    """JPEGs of this size, made from the photographs where the cache has none.

    Args:
        photos: a folder with ``full/*/*.jpg``; where it is missing, the gallery's drawings are taken.
        cache: the folder in which the pictures are kept.
        size: which of the three sizes.
        count: how many; fewer where there are fewer to make them of.
    """
    sources = _spread(sorted(photos.glob("full/*/*.jpg")) or sorted(DRAWN.glob("*/*.jpg")), count)
    folder = cache / f"{'photographs' if photos.is_dir() else 'drawings'}-{size.name}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(len(sources))]
    for number, (source, path) in enumerate(zip(sources, paths, strict=True)):
        if not path.exists():
            _make(source, size, number).save(path, quality=size.quality)
    return [path.read_bytes() for path in paths]


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    """So many of them, from all classes alike."""
    return (
        [paths[number * len(paths) // count] for number in range(count)] if len(paths) > count else [*paths]
    )


def _make(source: Path, size: Size, seed: int) -> Image.Image:
    with Image.open(source) as photo:
        fitted = ImageOps.fit(photo.convert("RGB"), size.pixels, Image.Resampling.BICUBIC)
    return _noisy(fitted, size.noise, seed) if size.noise else fitted


def _noisy(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    """The picture with noise like a sensor's: normal, the same for the three colours of a pixel."""
    noise = np.random.default_rng(seed).standard_normal((image.height, image.width, 1), dtype=np.float32)
    pixels = np.asarray(image, dtype=np.float32) + deviation * noise
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))
