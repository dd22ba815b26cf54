"""Hair: thousands of tapered strokes that follow a flow and take the colour beneath their roots."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from canvas import FRACTION_BITS, SHEET, Array, Pixels, Scene, to_sheet
from solid import Pose

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Hair:
    """How strokes look: count to the full sheet, length and width in screen units, chances in 0..1."""

    count: int = 9000
    length: float = 0.06
    width: float = 0.007
    contrast: float = 0.13
    stray: float = 0.25
    opacity: float = 0.8


def flow_from(own: Array, where: Pose, source: tuple[float, float, float], fall: float) -> Array:
    """Returns the screen flow [h, w, 2] of hair that leaves a source and falls by `fall`."""
    away = own - np.array(source, np.float32)
    away = away / (np.linalg.norm(away, axis=-1, keepdims=True) + 1e-3)
    away = away + np.array([0, fall, 0], np.float32)
    return np.asarray((away @ where.turn.T)[..., :2], np.float32)


def comb(scene: Scene, cover: Array, flow: Array, hair: Hair, lengths: Array | None = None) -> None:
    """Draws hair where `cover` is set, along `flow` [SHEET, SHEET, 2], scaled by the map `lengths`."""
    places = roots(scene.rng, cover, hair.count)
    if not len(places):
        return
    rows, columns = places.T
    scale = np.ones(len(places), np.float32) if lengths is None else lengths[rows, columns]
    shapes = to_sheet(tapers(scene.rng, places, flow[rows, columns], hair, scale))
    coat: Pixels = np.asarray(np.clip(scene.pixels, 0, 1) * 255, np.uint8)
    tints = hair_colours(scene.rng, coat[rows, columns], hair.contrast)
    for shape, tint in zip(shapes, tints.tolist(), strict=True):
        cv2.fillConvexPoly(coat, shape, tint, cv2.LINE_AA, FRACTION_BITS)
    scene.pixels += (coat / np.float32(255) - scene.pixels) * hair.opacity


def roots(rng: np.random.Generator, cover: Array, count: int) -> Places:
    """Returns rows and columns [n, 2] of roots: a jittered grid, so that no bald spots are left."""
    side = int(np.sqrt(count))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    places = ((grid + rng.uniform(0, 1, grid.shape)) * (SHEET / side)).astype(np.intp)
    chosen = cover[places[:, 0], places[:, 1]] > rng.uniform(0.3, 1, len(places))
    return np.asarray(places[rng.permutation(np.flatnonzero(chosen))])


def tapers(
    rng: np.random.Generator, places: NDArray[np.intp], flow: Array, hair: Hair, scale: Array
) -> Array:
    """Returns the outlines [n, 5, 2] of strokes, wide at the root and ending in a point.

    `places` [n, 2] are the roots, `flow` [n, 2] and `scale` [n] their directions and lengths.
    """
    count = len(places)
    root = (places[:, ::-1] + 0.5) * (2 / SHEET) - 1
    angle = np.arctan2(flow[:, 1], flow[:, 0]) + rng.normal(0, hair.stray, count)
    bend = rng.normal(0, hair.stray, count)
    reach = hair.length * scale * rng.uniform(0.6, 1.3, count)
    middle = root + direction(angle) * (reach / 2)[:, None]
    tip = middle + direction(angle + bend) * (reach / 2)[:, None]
    side = direction(angle + np.pi / 2) * (hair.width / 2 * rng.uniform(0.7, 1.4, count))[:, None]
    outline = (root - side, middle - side * 0.8, tip, middle + side * 0.8, root + side)
    return np.asarray(np.stack(outline, axis=1), np.float32)


def direction(angle: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns unit vectors [n, 2] of angles in radians."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def hair_colours(rng: np.random.Generator, under: Pixels, contrast: float) -> NDArray[np.floating]:
    """Returns each stroke's colour: what lies beneath it, lighter or darker by chance."""
    strength = np.exp(rng.normal(0.02, contrast, (len(under), 1)))
    lift = rng.normal(3, 6, (len(under), 1))
    return np.clip(under * strength + lift, 0, 255)
