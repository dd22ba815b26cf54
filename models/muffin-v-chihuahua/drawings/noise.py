"""Textures made of chance: clouds, ridges, cells, and points that keep their distance."""

import cv2
import numpy as np

from canvas import SHEET, Array


def clouds(rng: np.random.Generator, cells: int, octaves: int = 4, *, tall: float = 1) -> Array:
    """Returns value noise of about -1..1 on the whole sheet; `cells` blobs across, `tall` times as high."""
    total = np.zeros((SHEET, SHEET), np.float32)
    for octave in range(octaves):
        across = cells * 2**octave
        knots = rng.uniform(-1, 1, (max(2, round(across / tall)) + 1, across + 1)).astype(np.float32)
        total += cv2.resize(knots, (SHEET, SHEET), interpolation=cv2.INTER_CUBIC) * 0.55**octave
    return total


def ridges(rng: np.random.Generator, cells: int) -> Array:
    """Returns 1 along wandering lines and 0 far from them: cracks, veins, folds."""
    return np.asarray(1 - np.clip(np.abs(clouds(rng, cells, 3)) * 3, 0, 1), np.float32)


def pits(rng: np.random.Generator, count: int, size: float) -> Array:
    """Returns soft dots of 0..1, `size` screen units wide, strewn over the sheet."""
    ink = np.full((SHEET, SHEET), 255, np.uint8)
    rows, columns = rng.integers(0, SHEET, (2, count))
    ink[rows, columns] = 0
    distance = cv2.distanceTransform(ink, cv2.DIST_L2, 3) * (2 / SHEET)
    wobble = 1 + 0.5 * clouds(rng, 40, 2)
    return np.asarray(np.clip(1 - distance / (size * wobble), 0, 1), np.float32)


def spread(rng: np.random.Generator, count: int, gap: float, reach: float = 1) -> list[tuple[float, float]]:
    """Returns up to `count` points of the disc of radius `reach`, no two nearer than `gap`."""
    points: list[tuple[float, float]] = []
    for _ in range(count * 12):
        angle, radius = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.uniform())
        x, y = float(radius * np.cos(angle)), float(radius * np.sin(angle))
        if all((x - a) ** 2 + (y - b) ** 2 > gap**2 for a, b in points):
            points.append((x, y))
        if len(points) == count:
            break
    return points
