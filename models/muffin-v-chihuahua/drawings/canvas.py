"""The sheet a picture is painted on: coordinates, blending, outlines, the finish.

Coordinates are screen units: the sheet spans -1..1 in x (rightwards) and y (downwards), z points
at the viewer. Colours are float32 RGB in 0..1. Painting happens on a sheet larger than the
picture, so that scaling it down smooths every edge once more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

SHEET = 640
PICTURE = 480
FRACTION_BITS = 4

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Colour = tuple[float, float, float]
Point = Sequence[float] | NDArray[np.floating]


@dataclass
class Scene:
    """A sheet, float32 [SHEET, SHEET, 3], with its source of chance and the unit vector to its light."""

    pixels: Array
    rng: np.random.Generator
    light: Array


@dataclass(frozen=True)
class Window:
    """A rectangle of the sheet and the screen coordinates, float32 [h, w], of its pixels."""

    area: tuple[slice, slice]
    x: Array
    y: Array


def new_scene(seed: int) -> Scene:
    """Returns an empty sheet whose light and chances follow from the seed."""
    rng = np.random.default_rng(seed)
    light = np.array([rng.uniform(-0.65, 0.65), rng.uniform(-0.85, -0.55), 0.65], np.float32)
    return Scene(np.zeros((SHEET, SHEET, 3), np.float32), rng, light / np.linalg.norm(light))


@cache
def whole() -> Window:
    """Returns the window that is the whole sheet."""
    line = (np.arange(SHEET, dtype=np.float32) + 0.5) * (2 / SHEET) - 1
    x, y = np.meshgrid(line, line)
    return Window((slice(0, SHEET), slice(0, SHEET)), x, y)


def around(x: float, y: float, reach: float) -> Window:
    """Returns the square window of half-side `reach` around a point, cut at the sheet's edges."""
    column, row, half = ((x + 1) * SHEET / 2, (y + 1) * SHEET / 2, reach * SHEET / 2)
    rows = slice(*(int(np.clip(edge, 0, SHEET)) for edge in (row - half, row + half + 1)))
    columns = slice(*(int(np.clip(edge, 0, SHEET)) for edge in (column - half, column + half + 1)))
    everything = whole()
    return Window((rows, columns), everything.x[rows, columns], everything.y[rows, columns])


def ramp(values: ArrayLike, start: ArrayLike, end: ArrayLike) -> Array:
    """Returns the smooth step of the values: 0 at `start`, 1 at `end`, whichever is the larger."""
    low, high = np.asarray(start, np.float32), np.asarray(end, np.float32)
    t = np.clip((np.asarray(values, np.float32) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def mix(first: ArrayLike, second: ArrayLike, share: Array) -> Array:
    """Returns the colours [..., 3] between two colours, by the second's share [...]."""
    low, high = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return np.asarray(low + (high - low) * np.asarray(share, np.float32)[..., None], np.float32)


def blend(scene: Scene, colour: ArrayLike, cover: Array, window: Window | None = None) -> None:
    """Lays a colour (one, or one a pixel) over the sheet where `cover`, 0..1, says so."""
    area = (window or whole()).area
    box = touched(cover)
    target = scene.pixels[area][box]
    paint = np.asarray(colour, np.float32)
    target += (paint[box] if paint.ndim > 1 else paint) * cover[box][..., None] - target * cover[box][
        ..., None
    ]


def touched(cover: Array) -> tuple[slice, slice]:
    """Returns the rectangle outside which a cover is nothing: most shapes fill little of the sheet."""
    x, y, wide, high = cv2.boundingRect((cover > 0).view(np.uint8))
    return slice(y, y + high), slice(x, x + wide)


def glow(scene: Scene, colour: ArrayLike, amount: Array, window: Window | None = None) -> None:
    """Adds light to the sheet, softly limited so that it never clips to flat white."""
    area = (window or whole()).area
    light = np.asarray(colour, np.float32) * np.clip(amount, 0, 1)[..., None]
    scene.pixels[area] += light * np.clip(1.1 - scene.pixels[area], 0, 1)


def shadow(
    scene: Scene, amount: Array, window: Window | None = None, tint: Colour = (0.2, 0.12, 0.14)
) -> None:
    """Darkens the sheet towards a tint; a painter's shadow is never a neutral grey."""
    area = (window or whole()).area
    box = touched(amount)
    scene.pixels[area][box] *= mix((1, 1, 1), tint, amount[box])


def blur(values: Array, reach: float) -> Array:
    """Returns the Gaussian blur of a map; `reach` is the standard deviation in screen units."""
    # A wide blur is taken on a small copy: the eye sees no difference and the processor does.
    shrink = int(np.clip(reach * SHEET / 8, 1, 8))
    small = cv2.resize(values, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(reach * SHEET / 2 / shrink, 0.3))
    back = cv2.resize(soft, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(back, np.float32)


def ellipse(window: Window, centre: Point, radii: Sequence[float], turn: float = 0) -> Array:
    """Returns 1 at an ellipse's centre, 0 on its outline, negative outside; `turn` in radians."""
    x, y = window.x - float(centre[0]), window.y - float(centre[1])
    u = (x * math.cos(turn) + y * math.sin(turn)) / float(radii[0])
    v = (y * math.cos(turn) - x * math.sin(turn)) / float(radii[1])
    return np.asarray(1 - u * u - v * v, np.float32)


def smooth_outline(points: ArrayLike, steps: int = 12) -> Array:
    """Returns the closed Catmull-Rom curve through points [n, 2], as [n * steps, 2]."""
    knots = np.asarray(points, np.float32)
    a, b, c, d = (np.roll(knots, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    return np.asarray(curve.reshape(-1, 2) / 2, np.float32)


def to_sheet(points: ArrayLike) -> NDArray[np.int32]:
    """Returns screen points as OpenCV's fixed-point pixel positions."""
    pixels = (np.asarray(points, np.float64) + 1) * SHEET / 2 - 0.5
    return np.asarray(np.round(pixels * (1 << FRACTION_BITS)), np.int32)


def polygon(points: ArrayLike) -> Array:
    """Returns the cover [SHEET, SHEET] of a filled polygon of screen points [n, 2]."""
    cover = np.zeros((SHEET, SHEET), np.uint8)
    cv2.fillPoly(cover, [to_sheet(points)], (255,), cv2.LINE_AA, FRACTION_BITS)
    return share_of(cover)


def line(points: ArrayLike, width: float, *, closed: bool = False) -> Array:
    """Returns the cover of a line through screen points [n, 2]; `width` in screen units."""
    cover = np.zeros((SHEET, SHEET), np.uint8)
    thick = max(1, round(width * SHEET / 2))
    cv2.polylines(cover, [to_sheet(points)], closed, (255,), thick, cv2.LINE_AA, FRACTION_BITS)
    return share_of(cover)


def share_of(ink: Pixels) -> Array:
    """Returns ink of 0..255 as a cover of 0..1, working only where there is ink."""
    cover = np.zeros(ink.shape, np.float32)
    x, y, wide, high = cv2.boundingRect(ink)
    box = slice(y, y + high), slice(x, x + wide)
    cover[box] = ink[box] / np.float32(255)
    return cover


def finish(scene: Scene) -> Pixels:
    """Returns the picture, uint8 [PICTURE, PICTURE, 3] RGB: vignette, bloom, warmth and paper grain."""
    sheet = whole()
    image = np.clip(scene.pixels, 0, 1)
    bright = np.clip(image - 0.72, 0, 1)
    image = image + 0.35 * np.stack([blur(bright[..., channel], 0.03) for channel in range(3)], axis=-1)
    image *= (1 - scene.rng.uniform(0.1, 0.2) * (sheet.x**2 + sheet.y**2) ** 1.5)[..., None].clip(0.4, 1)
    picture = cv2.resize(np.asarray(image, np.float32), (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
    grain = scene.rng.normal(0, 0.008, (PICTURE, PICTURE, 1))
    return np.asarray(np.clip((picture + grain) * 255, 0, 255), np.uint8)
