"""What `build` starts from: a bundle's source in a folder, or one that is made there from a recipe."""

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from ...errors import InvalidConfiguration, InvalidWeights
from ...model.bundle import CARD, FORMAT_VERSION, Calibration, ModelBundle, file_entry, write_manifest
from ...model.sources import open_bundle
from ..golden import GOLDEN_TOLERANCE, write_golden
from ..networks.efficientnet_lite import efficientnet_lite0
from ..networks.imagenet import imagenet_labels, with_imagenet_head
from ..networks.inception import inception_v3
from ..networks.keras_file import save_reproducibly
from ..yaml_file import read_yaml
from .card import render_card
from .recipe import RECIPE, Recipe
from .weights import fetch_weights

NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "efficientnet-lite0": efficientnet_lite0,
    "inception-v3": inception_v3,
}
"""What a recipe can name: networks from pictures to ``features``, which get ImageNet's head."""

WEIGHTS = "model.keras"

_LIBRARIES = ("keras", "tensorflow", "pillow", "numpy")


@contextmanager
def open_source(source: Path, cache: Path | None = None) -> Iterator[ModelBundle]:
    """The bundle that ``build`` goes on with; one that is made from a recipe is gone afterwards.

    Args:
        source: a folder with a recipe, or what `open_bundle` takes.
        cache: where downloaded weights are kept; unset: Keras's own.

    Raises:
        ModelNotFound: there is neither a recipe nor a bundle.
        InvalidBundle: what was found cannot be trusted.
        InvalidConfiguration: the recipe cannot be followed.
        InvalidWeights: the weights that it names cannot be had, are others, or fit another network.
    """
    recipe = source / RECIPE
    if not recipe.is_file():
        yield open_bundle(str(source))
        return
    with tempfile.TemporaryDirectory() as folder:
        yield make_source(recipe, Path(folder), cache)


def make_source(file: Path, out: Path, cache: Path | None = None) -> ModelBundle:
    """Follow a recipe: write Keras weights, golden pictures, card and manifest to the folder ``out``."""
    recipe = read_yaml(Recipe, file)
    network = _network(recipe, file)
    weights = fetch_weights(recipe.weights, file.parent, cache)
    _load(network, weights)
    golden = None if recipe.golden is None else file.parent / recipe.golden
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": recipe.name,
        "version": recipe.version,
        "description": recipe.description,
        "labels": imagenet_labels(),
        "preprocessing": recipe.preprocessing.model_dump(mode="json"),
        "calibration": Calibration(temperature=1).model_dump(mode="json"),
        "golden": write_golden(network, recipe.preprocessing, golden, out),
        "golden_tolerance": GOLDEN_TOLERANCE,
        "training": _provenance(recipe, weights),
        "gate": None,
        "metrics": {},
        "artefacts": {"tensorflow": WEIGHTS},
    }
    save_reproducibly(network, out / WEIGHTS)
    (out / CARD).write_text(render_card(manifest), encoding="utf-8")
    return write_manifest(out, manifest)


def _network(recipe: Recipe, file: Path) -> keras.Model:
    if recipe.network not in NETWORKS:
        raise InvalidConfiguration(
            f"{file}: network: there is no {recipe.network!r}, choose of {', '.join(NETWORKS)}."
        )
    network = with_imagenet_head(NETWORKS[recipe.network]())
    height, width = network.input_shape[1:3]
    if (recipe.preprocessing.height, recipe.preprocessing.width) != (height, width):
        raise InvalidConfiguration(
            f"{file}: preprocessing: {recipe.network} takes pictures of {width} x {height} pixels."
        )
    return network


def _load(network: keras.Model, weights: Path) -> None:
    try:
        network.load_weights(weights)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:  # by Keras's readers and h5py's
        reason = " ".join(str(error).split())
        raise InvalidWeights(f"{weights}: Keras cannot load these weights ({reason}).") from error


def _provenance(recipe: Recipe, weights: Path) -> dict[str, Any]:
    return {
        "recipe": recipe.model_dump(mode="json", include={"network", "weights"}),
        "weights_sha256": file_entry(weights).sha256,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
