"""The kinds of pictures that a model is worse on than on the rest."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..answers import Answers
from ..proportions import share

SMALLEST_SLICE = 30
"""Pictures; the accuracy of fewer says too little."""

_SMALL, _MEDIUM = 128, 256
"""Pixels of the shorter side, up to which a picture is small and medium."""

_SQUARE = 1.15
"""How many times as long as the other a side may be where a picture still counts as square."""

_FLAT = 2 / 3
"""Diagrams and cut-outs on a plain ground have more of eight colours than this, most photographs less."""


def measure_slices(answers: Answers) -> dict[str, Any]:
    """Accuracy of the winner on each kind of picture, and ``gap``: by how much the mean of all is above it.

    A kind with fewer than ``SMALLEST_SLICE`` pictures is left out, and so is one that all pictures are of.
    """
    mean, everything = float(answers.right.mean()), len(answers.samples)
    slices = {}
    for name, chosen in _kinds(answers):
        pictures, right = int(chosen.sum()), int((chosen & answers.right).sum())
        if SMALLEST_SLICE <= pictures < everything:
            measures = share("accuracy", right, pictures)
            slices[name] = {"pictures": pictures, **measures, "gap": mean - measures["accuracy"]}
    return slices


def worst_slice(slices: Mapping[str, Mapping[str, Any]]) -> str:
    """The name of the slice that is furthest under the mean; there must be one."""
    return max(slices, key=lambda name: slices[name]["gap"])


def _kinds(answers: Answers) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    sides = np.array([(look.width, look.height) for look in answers.looks])
    shorter, proportion = sides.min(axis=1), sides[:, 0] / sides[:, 1]
    yield f"shorter side at most {_SMALL} px", shorter <= _SMALL
    yield f"shorter side {_SMALL + 1} to {_MEDIUM} px", (shorter > _SMALL) & (shorter <= _MEDIUM)
    yield f"shorter side over {_MEDIUM} px", shorter > _MEDIUM
    brightness = np.array([look.brightness for look in answers.looks])
    dark, bright = np.quantile(brightness, [1 / 3, 2 / 3])
    yield "darkest third", brightness < dark
    yield "middle third by brightness", (brightness >= dark) & (brightness <= bright)
    yield "brightest third", brightness > bright
    yield "portrait", proportion < 1 / _SQUARE
    yield "nearly square", (proportion >= 1 / _SQUARE) & (proportion <= _SQUARE)
    yield "landscape", proportion > _SQUARE
    flat = np.array([look.flatness for look in answers.looks]) > _FLAT
    yield "few colours", flat
    yield "many colours", ~flat
    folders = np.array([sample.folder for sample in answers.samples])
    for folder in np.unique(folders):
        yield f"folder {folder}", folders == folder
