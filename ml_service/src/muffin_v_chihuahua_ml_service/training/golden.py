"""The pictures that a bundle carries to prove that it answers as it did when it was made."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from ..errors import InvalidDataset
from ..model.preprocessing import Preprocessing, array_digest, preprocess

FOLDER = "golden"

GOLDEN_TOLERANCE = 1e-3
"""How far an engine may be from the reference: far above rounding, far below what anybody would notice."""

_SIDE = 96
"""Of the drawn patterns, in pixels."""


def write_golden(
    model: keras.Model, how: Preprocessing, pictures: Path | None, out: Path
) -> list[dict[str, Any]]:
    """Put golden pictures into the bundle's folder, and say what the reference answers to each.

    Args:
        model: arrays as ``how`` makes them to probabilities.
        how: the preprocessing.
        pictures: a folder of class folders to copy, or None for a few patterns that are drawn here.
        out: the bundle's folder; what its folder of golden pictures held is replaced.

    Raises:
        InvalidDataset: there are no pictures in the folder.
    """
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if pictures is None:
        found: list[tuple[str, str | None, bytes]] = list(_patterns())
    else:
        found = [
            (f"{p.parent.name}-{p.name}", p.parent.name, p.read_bytes()) for p in sorted(pictures.glob("*/*"))
        ]
    if not found:
        raise InvalidDataset(f"{pictures}: expected a folder for each class with pictures in it.")
    for name, _, data in found:
        (folder / name).write_bytes(data)
    return [_golden(model, how, f"{FOLDER}/{name}", label, data) for name, label, data in found]


def _golden(
    model: keras.Model, how: Preprocessing, name: str, label: str | None, data: bytes
) -> dict[str, Any]:
    array = preprocess(data, how)
    probabilities = model.predict_on_batch(array[np.newaxis])[0]
    return {
        "file": name,
        "label": label,
        "array_sha256": array_digest(array),
        "probabilities": [float(value) for value in probabilities],
    }


def _patterns() -> Iterator[tuple[str, None, bytes]]:
    """Pictures that show nobody and nothing: they prove the numbers, not the classes."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    rng = np.random.default_rng(0)
    drawn = {
        "gradient": np.stack([rows, columns, 1 - rows], axis=-1),
        "rings": np.stack(
            [np.sin(40 * np.hypot(rows - k / 3, columns - 0.5)) / 2 + 0.5 for k in range(3)], axis=-1
        ),
        "stripes": np.stack([np.sin((k + 1) * 9 * (rows + columns)) / 2 + 0.5 for k in range(3)], axis=-1),
        "blots": np.kron(rng.random((8, 8, 3)), np.ones((_SIDE // 8, _SIDE // 8, 1))),
    }
    for name, pattern in drawn.items():
        file = io.BytesIO()
        Image.fromarray((pattern * 255).round().astype(np.uint8)).save(file, "PNG")
        yield f"{name}.png", None, file.getvalue()
