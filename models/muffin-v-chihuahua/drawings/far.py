"""Pictures far from any photograph: nothing at all, noise, stripes, a page of text."""

from collections.abc import Callable

import cv2
import numpy as np

from canvas import PICTURE, Pixels

WORDS = "the of a service picture class answer model page number open close left right tea rain".split()  # noqa: SIM905


def blank(rng: np.random.Generator) -> Pixels:
    """Returns one colour everywhere."""
    return np.full((PICTURE, PICTURE, 3), rng.integers(0, 256, 3), np.uint8)


def noise(rng: np.random.Generator) -> Pixels:
    """Returns a chance colour for each square of 1 to 32 pixels."""
    cells = PICTURE // int(rng.choice([1, 2, 4, 8, 16, 32]))
    colours = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(colours, (PICTURE, PICTURE), interpolation=cv2.INTER_NEAREST), np.uint8)


def stripes(rng: np.random.Generator) -> Pixels:
    """Returns waves of two colours in one direction."""
    rows, columns = np.mgrid[0:PICTURE, 0:PICTURE] / PICTURE
    angle, waves = rng.uniform(0, np.pi), rng.uniform(2, 40)
    share = np.sin(2 * np.pi * waves * (rows * np.sin(angle) + columns * np.cos(angle))) / 2 + 0.5
    one, other = rng.integers(0, 256, (2, 3))
    return np.asarray(one + share[..., np.newaxis] * (other - one), np.uint8)


def text(rng: np.random.Generator) -> Pixels:
    """Returns lines of words, dark on light or light on dark."""
    dark, light = rng.integers(0, 90, 3), rng.integers(170, 256, 3)
    paper, ink = (light, dark) if rng.random() < 0.7 else (dark, light)
    page = np.full((PICTURE, PICTURE, 3), paper, np.uint8)
    size = rng.uniform(0.4, 1.6)
    for line in range(int(PICTURE / (34 * size))):
        words = " ".join(rng.choice(WORDS, 12))
        at = (12, int(34 * size * (line + 1)))
        cv2.putText(page, words, at, cv2.FONT_HERSHEY_SIMPLEX, size, ink.tolist(), 1 + int(size), cv2.LINE_AA)
    return page


ARTISTS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "blank": blank,
    "noise": noise,
    "stripes": stripes,
    "text": text,
}
