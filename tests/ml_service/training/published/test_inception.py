"""Inception v3 in its full size: downloaded, loaded and answering like the network that Keras publishes."""

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import pytest
import yaml

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.preprocessing import array_digest, preprocess
from muffin_v_chihuahua_ml_service.training.networks.backbone import load_backbone
from muffin_v_chihuahua_ml_service.training.published.source import make_source

if TYPE_CHECKING:
    from tests.ml_service.training.published.conftest import FileServer

SHIPPED = Path(__file__).parents[4] / "models" / "imagenet-inception-v3" / "recipe.yaml"

PUBLISHED = 23_851_784
"""Parameters of InceptionV3 with its head, as the documentation of Keras Applications has them."""


class Downloaded(NamedTuple):
    """The network that was published, and the source that was made of its weights."""

    published: keras.Model
    source: ModelBundle
    asked: list[str]


@pytest.fixture(scope="module")
def downloaded(
    serve_files: Callable[[Path], "FileServer"],
    publish: Callable[[keras.Model, Path], None],
    randomise: Callable[[keras.Model], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Downloaded:
    """The shipped recipe followed, but for the address and the digest: a server here has random weights."""
    folder = tmp_path_factory.mktemp("inception")
    server = serve_files(tmp_path_factory.mktemp("served"))
    published = keras.applications.InceptionV3(weights=None)
    randomise(published)
    publish(published, server.folder / "inception.h5")
    md5 = hashlib.md5((server.folder / "inception.h5").read_bytes(), usedforsecurity=False).hexdigest()
    weights = {"source": server.address("inception.h5"), "digest": f"md5:{md5}"}
    recipe = yaml.safe_load(SHIPPED.read_text()) | {"weights": weights}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    source = make_source(folder / "recipe.yaml", folder / "source", folder)
    return Downloaded(published, source, server.asked)


def test_the_recipe_names_the_file_that_keras_itself_would_download() -> None:
    weights = yaml.safe_load(SHIPPED.read_text())["weights"]
    module = inspect.getmodule(keras.applications.InceptionV3)

    assert weights["source"] == getattr(module, "WEIGHTS_PATH", None)
    assert f'file_hash="{weights["digest"].removeprefix("md5:")}"' in inspect.getsource(
        keras.applications.InceptionV3
    )


def test_what_was_downloaded_answers_as_the_published_network_does(downloaded: Downloaded) -> None:
    manifest = downloaded.source.manifest
    for golden in manifest.golden:
        picture = preprocess((downloaded.source.folder / golden.file).read_bytes(), manifest.preprocessing)
        assert array_digest(picture) == golden.array_sha256
        scaled = keras.applications.inception_v3.preprocess_input(picture[np.newaxis].copy())
        [expected] = downloaded.published.predict_on_batch(scaled)
        np.testing.assert_allclose(golden.probabilities, expected, atol=1e-5)
    assert np.ptp([golden.probabilities for golden in manifest.golden], axis=0).max() > 1e-2
    assert downloaded.asked == ["/inception.h5"]


def test_it_is_the_published_network_with_a_layer_of_features_to_train_on(downloaded: Downloaded) -> None:
    backbone = load_backbone(str(downloaded.source.folder))

    assert downloaded.published.count_params() == PUBLISHED
    assert backbone.network.count_params() == PUBLISHED - (2048 * 1000 + 1000)
    assert backbone.network.input_shape == (None, 299, 299, 3)
    assert backbone.network.output_shape == (None, 2048)
    assert backbone.preprocessing == downloaded.source.manifest.preprocessing
