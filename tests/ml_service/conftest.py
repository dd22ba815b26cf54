"""A small network that is really trained; only tests that ask for it import TensorFlow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

CHANNELS = {"red": 0, "green": 1, "blue": 2}


@dataclass(frozen=True)
class Workshop:
    """What a training needs: a data folder, pictures that may be shown, and a network with features."""

    data: Path
    golden: Path
    backbone: Path


def coloured_noise(rng: np.random.Generator, channel: int) -> Image.Image:
    """Coarse noise, so that no two are near-duplicates, with more of one colour in it."""
    noise = rng.integers(0, 120, (8, 8, 3))
    noise[..., channel] += 100
    return Image.fromarray(noise.astype(np.uint8)).resize((48, 48), Image.Resampling.BILINEAR)


def draw_classes(folder: Path, count: int, seed: int, labels: Sequence[str] = ("blue", "red")) -> Path:
    """A folder for each label, with so many pictures that are more of one colour than of the others."""
    rng = np.random.default_rng(seed)
    for label in labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            # uncompressed, so that the digest and with it the split never depend on a library's version
            picture = coloured_noise(rng, CHANNELS.get(label, 1))
            picture.save(folder / label / f"{seed}-{number}.bmp")
    return folder


@pytest.fixture(scope="session")
def pictures() -> Callable[..., Path]:
    """Draw a data folder: folder, pictures of each label, seed, labels."""
    return draw_classes


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """40 pictures of `red` and of `blue`, one more of each to be shown, and a network of two layers."""
    import keras  # noqa: PLC0415 - see the module's docstring

    folder = tmp_path_factory.mktemp("workshop")
    keras.utils.set_random_seed(0)
    picture = keras.Input((224, 224, 3), name="picture")
    x = keras.layers.AveragePooling2D(7)(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, activation="relu")(x))
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    # a head that training takes off
    keras.Model(picture, keras.layers.Dense(5)(features)).save(folder / "backbone.keras")
    return Workshop(
        draw_classes(folder / "data", 40, seed=1),
        draw_classes(folder / "golden", 1, seed=2),
        folder / "backbone.keras",
    )


@pytest.fixture(scope="session")
def tiny_source(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle as training leaves it: without LiteRT's artefact."""
    from muffin_v_chihuahua_ml_service.training.train import Recipe, train_bundle  # noqa: PLC0415

    recipe = Recipe(name="tiny", version="0.1.0", backbone=workshop.backbone, seed=3)
    out = tmp_path_factory.mktemp("source")
    return train_bundle(recipe, [workshop.data], workshop.golden, out)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_source: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The same with an artefact for each engine, as it is served."""
    from muffin_v_chihuahua_ml_service.training.export import build_bundle  # noqa: PLC0415

    return build_bundle(tiny_source, tmp_path_factory.mktemp("built") / "bundle")


@pytest.fixture(scope="session")
def default_bundle() -> ModelBundle:
    """The default model, as its wheel installs it."""
    return open_bundle("muffin-v-chihuahua")
