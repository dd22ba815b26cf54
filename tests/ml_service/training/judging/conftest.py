"""Answers and measures without a network, and a data folder that they can be taken on."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.model.predictor import UNSURE, Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.behaviour.looks import Look
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope, measure_bundle

LABELS = ("a", "b", "c")
LOOK = Look(200, 200, 100.0, 0.1)


def answers_of(  # noqa: PLR0913 - a fake has what the real one has
    probabilities: Sequence[Sequence[float]],
    truths: str,
    *,
    labels: Sequence[str] = LABELS,
    sure_from: float = 0.0,
    folders: str | None = None,
    looks: Sequence[Look] | None = None,
) -> Answers:
    array = np.array(probabilities, dtype=np.float32)
    return Answers(
        tuple(
            Sample(Path(f"{folder}/{truth}/{number}.png"), truth, folder, "test", f"{number:064x}", "")
            for number, (truth, folder) in enumerate(zip(truths, folders or "d" * len(truths), strict=True))
        ),
        tuple(labels),
        array,
        tuple(labels[row.argmax()] if row.max() >= sure_from else UNSURE for row in array),
        tuple(looks or [LOOK] * len(truths)),
    )


@pytest.fixture
def make_answers() -> Callable[..., Answers]:
    """Make answers: a row of probabilities and a letter for what is shown, for each; what else they have."""
    return answers_of


def paint(folder: Path, label: str, colour: tuple[int, int, int], number: int) -> Sample:
    """A picture of one colour with a corner of another, red ones wider than blue ones."""
    picture = Image.new("RGB", (60 if label == "red" else 48, 48), colour)
    picture.paste((number % 256, number % 256, number % 256), (0, 0, 12, 9))
    path = folder / label / f"{number}.bmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Sample(path, label, folder.name, "test", digest, digest)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """40 pictures that are clearly red, and 30 that are clearly blue."""
    red = [paint(tmp_path / "colours", "red", (240, 30, 30 + number), number) for number in range(40)]
    blue = [paint(tmp_path / "colours", "blue", (30 + number, 30, 240), 100 + number) for number in range(30)]
    return [*red, *blue]


@pytest.fixture
def measures(make_predictor: Callable[..., Predictor], samples: list[Sample]) -> dict[str, Any]:
    """What is measured of a predictor that knows red from blue by the colours' shares."""
    return measure_bundle(make_predictor(), samples, Scope(behaviour=8, latency=4))
