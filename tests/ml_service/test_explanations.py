"""The default model looks at the animal or the cake: pictures with one of them in a known quarter."""

import asyncio
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.explaining.drawing import heat_map, warmth
from muffin_v_chihuahua_ml_service.model.explaining.occlusion import GRIDS, merged
from muffin_v_chihuahua_ml_service.model.predictor import Prediction, Predictor, load_predictor
from muffin_v_chihuahua_ml_service.serving import occlusion
from muffin_v_chihuahua_ml_service.serving.occlusion import Occlusion

PHOTOS = Path(os.environ.get("PHOTOS_DIR", ""))

SIDE = 224
QUARTERS = [(0, 0), (SIDE // 2, 0), (0, SIDE // 2), (SIDE // 2, SIDE // 2)]

GREY = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
WHITE = Image.new("RGB", (SIDE, SIDE), "white")
TEXTURE = Image.fromarray(np.random.default_rng(0).integers(90, 160, (28, 28, 3)).astype(np.uint8)).resize(
    (SIDE, SIDE), Image.Resampling.BICUBIC
)


@pytest.fixture(scope="module")
def predictor(default_bundle: ModelBundle) -> Predictor:
    return load_predictor(default_bundle, "onnxruntime", threads=2)


def composed(picture: Image.Image, corner: tuple[int, int], background: Image.Image) -> NDArray[np.float32]:
    """The middle square of a picture, in one quarter of the background."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.convert("RGB").resize(
        (SIDE // 2, SIDE // 2), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
    )
    together = background.copy()
    together.paste(square, corner)
    return np.asarray(together, dtype=np.float32)


def warmest(maps: NDArray[np.float32], label: int) -> tuple[int, int]:
    """The quarter with the middle of what is lightest in the drawn heat map, as its upper left corner."""
    light = np.asarray(heat_map(warmth(maps)[..., label], (SIDE, SIDE)).convert("L"))
    row, column = np.argwhere(light == light.max()).mean(axis=0)
    return int(column) // (SIDE // 2) * (SIDE // 2), int(row) // (SIDE // 2) * (SIDE // 2)


def by_activation(predictor: Predictor, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return predictor.explain(picture).maps


def by_occlusion(predictor: Predictor, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    async def ask(some: NDArray[np.float32]) -> Prediction:
        return predictor.predict_batch([some])[0]

    async def look() -> NDArray[np.float32]:
        looking = Occlusion(ask, picture, predictor.bundle.manifest.labels, 1)
        return merged(await looking.look(await ask(picture), budget_s=600))

    return asyncio.run(look())


@pytest.fixture(autouse=True)
def _coarsely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fine enough to find a quarter."""
    monkeypatch.setattr(occlusion, "GRIDS", GRIDS[:2])


METHODS = {"cam": by_activation, "occlusion": by_occlusion}


def golden(bundle: ModelBundle) -> Iterator[tuple[int, Image.Image]]:
    """The drawings of animals and cakes that the bundle carries, each with its label's place."""
    for each in bundle.manifest.golden:
        if each.label in {"chihuahua", "muffin"}:
            picture = Image.open(io.BytesIO((bundle.folder / each.file).read_bytes()))
            yield bundle.manifest.labels.index(each.label), picture


@pytest.mark.parametrize("background", [GREY, WHITE, TEXTURE], ids=["grey", "white", "texture"])
def test_the_activation_maps_of_drawings_are_warmest_where_the_animal_or_the_cake_is(
    predictor: Predictor, background: Image.Image
) -> None:
    drawings = list(golden(predictor.bundle))

    assert {label for label, _ in drawings} == {0, 1}
    for label, drawing in drawings:
        for corner in QUARTERS:
            maps = by_activation(predictor, composed(drawing, corner, background))
            assert warmest(maps, label) == corner


def test_so_are_those_that_hide_parts(predictor: Predictor) -> None:
    [first, second] = dict(golden(predictor.bundle)).items()

    for (label, drawing), corners in ((first, QUARTERS[:2]), (second, QUARTERS[2:])):
        for corner in corners:
            maps = by_occlusion(predictor, composed(drawing, corner, GREY))
            assert warmest(maps, label) == corner


@pytest.mark.needs("photographs")
@pytest.mark.parametrize(("method", "count", "least"), [("cam", 100, 0.98), ("occlusion", 50, 0.95)])
def test_so_are_those_of_photographs(
    predictor: Predictor, method: str, count: int, least: float, record_property: Callable[[str, Any], None]
) -> None:
    labels = predictor.bundle.manifest.labels
    hits = []
    for label in ("chihuahua", "muffin"):
        found = sorted((PHOTOS / "full" / label).iterdir())
        for number, path in enumerate(found[:: len(found) // count][:count]):
            corner = QUARTERS[number % 4]
            with Image.open(path) as photograph:
                maps = METHODS[method](predictor, composed(photograph, corner, GREY))
            hits.append(warmest(maps, labels.index(label)) == corner)

    assert len(hits) == 2 * count
    record_property("hit rate", np.mean(hits))
    print(f"{method}: {np.mean(hits):.3f} of {len(hits)} photographs")  # noqa: T201 - what -s is for
    assert np.mean(hits) >= least
