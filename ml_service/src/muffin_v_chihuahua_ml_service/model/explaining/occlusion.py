"""Occlusion: a class is seen where hiding a part of the picture takes its probability away.

Source: M. Zeiler and R. Fergus 2014, "Visualizing and Understanding Convolutional Networks" (arXiv
1311.2901). It asks nothing of a network but answers, many of them, so it goes from coarse to fine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRIDS = (3, 5, 7, 10)
"""How many parts a side has, one grid after the other; together 183 answers."""

_OVERLAP = 1.5
"""How much wider than its cell a patch is, so that what lies on an edge is hidden whole by some patch."""

_LEAST = 1e-3
"""A probability below this one is none: what it does there is noise."""

_LEAST_LEFT = 1e-7
"""What is left for the others is told apart down to here, for a sure answer stays sure long."""


@dataclass(frozen=True)
class Cell:
    """A place in a grid of ``grid`` x ``grid`` that cover a picture."""

    grid: int
    row: int
    column: int


def cells(grid: int) -> Iterator[Cell]:
    """All of a grid, row by row."""
    return (Cell(grid, row, column) for row in range(grid) for column in range(grid))


def hidden(picture: NDArray[np.float32], cell: Cell, colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy of the picture [height, width, 3] with a colour, its mean for example, where the cell is."""
    copy = picture.copy()
    height, width = picture.shape[:2]
    copy[_span(cell.row, cell.grid, height), _span(cell.column, cell.grid, width)] = colour
    return copy


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of each probability's odds [labels]; in double precision, or a sure one leaves none."""
    others = probabilities.sum() - probabilities
    odds: NDArray[np.float64] = np.log(probabilities.clip(_LEAST) / others.clip(_LEAST_LEFT))
    return odds


def merged(grids: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    """One map [height, width, labels] of those of several grids: their mean, as fine as the finest."""
    finest = max(len(each) for each in grids)
    spread = [
        np.einsum("yr,xc,rcl->yxl", *[_between(len(each), finest)] * 2, each, optimize=True) for each in grids
    ]
    mean: NDArray[np.float32] = np.mean(spread, axis=0).astype(np.float32)
    return mean


def _span(place: int, grid: int, length: int) -> slice:
    middle, half = (place + 0.5) / grid * length, _OVERLAP / grid * length / 2
    return slice(max(0, round(middle - half)), round(middle + half))


def _between(coarse: int, fine: int) -> NDArray[np.float64]:
    """Weights [fine, coarse] that put values between the middles of the cells of a side."""
    at, known = ((np.arange(count) + 0.5) / count for count in (fine, coarse))
    return np.stack([np.interp(at, known, only) for only in np.eye(coarse)], axis=1)
