"""A server of files on this machine, weights as Keras publishes them, and recipes that name both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.left_out import TOOLS

if TOOLS["tensorflow"].is_here():  # elsewhere no module here is collected, but this one is imported
    import h5py
    import keras

    from muffin_v_chihuahua_ml_service.training.networks.imagenet import with_imagenet_head
    from muffin_v_chihuahua_ml_service.training.published import source

MODELS = Path(__file__).parents[4] / "models"


@dataclass
class FileServer:
    """Serves a folder over HTTP until it is stopped, and remembers what it was asked for."""

    folder: Path
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, code: object = "-", size: object = "-") -> None:  # noqa: ARG002
                asked.append(self.path)

            def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(self.folder)))
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def stop(self) -> None:
        """Stop listening; once more does nothing."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def serve_files() -> Iterator[Callable[[Path], FileServer]]:
    """Start a server of the files in a folder."""
    started: list[FileServer] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")

        def begin(folder: Path) -> FileServer:
            started.append(FileServer(folder))
            return started[-1]

        yield begin
        for each in started:
            each.stop()


@pytest.fixture
def server(serve_files: Callable[[Path], FileServer], tmp_path: Path) -> FileServer:
    """A server of a folder of its own."""
    folder = tmp_path / "served"
    folder.mkdir()
    return serve_files(folder)


def write_as_published(network: keras.Model, path: Path) -> None:
    """Lay weights out as in the HDF5 files of Keras Applications: only layers, in the network's order."""
    with h5py.File(path, "w") as file:
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.0.1"
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            weights = {f"{layer.name}/{weight.name}:0": weight.numpy() for weight in layer.weights}
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, value in weights.items():
                group.create_dataset(name, data=value)


def fill_at_random(network: keras.Model) -> None:
    """Weights that differ everywhere, of a size that lets a picture through to the end (He et al. 2015)."""
    rng = np.random.default_rng(0)
    for layer in network.layers:
        shapes = [weight.shape for weight in layer.weights]
        if isinstance(layer, keras.layers.BatchNormalization):
            # scale, where there is one, and variance around 1, offset and mean around 0
            around = [0, 0, 1] if len(shapes) == 3 else [1, 0, 0, 1]
            layer.set_weights(
                [rng.uniform(m - 0.1, m + 0.1, shape) for m, shape in zip(around, shapes, strict=True)]
            )
        elif shapes:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            inputs = np.prod(shapes[0][:2] if depthwise else shapes[0][:-1])
            layer.set_weights([rng.normal(0, np.sqrt(2 / inputs), shape) for shape in shapes])


@pytest.fixture(scope="module")
def publish() -> Callable[[keras.Model, Path], None]:
    """Write a network's weights to a file laid out like those of Keras Applications: network, path."""
    return write_as_published


@pytest.fixture(scope="module")
def randomise() -> Callable[[keras.Model], None]:
    """Give a network weights that differ everywhere."""
    return fill_at_random


def tiny() -> keras.Model:
    """A network like those that a recipe can name, of two layers."""
    picture = keras.Input((32, 32, 3), name="picture")
    x = keras.layers.Conv2D(64, 3, strides=4)(keras.layers.Rescaling(1 / 127.5, offset=-1)(picture))
    x = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D(name="features")(x), name="tiny")


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """The network that recipes call `tiny`, with weights."""
    monkeypatch.setitem(source.NETWORKS, "tiny", tiny)
    network = with_imagenet_head(tiny())
    fill_at_random(network)
    return network


RECIPE: dict[str, Any] = {
    "name": "tiny-one",
    "version": "0.1.0",
    "description": "Tells nothing from nothing.",
    "network": "tiny",
    "weights": {"source": "weights.h5"},
    "preprocessing": {"width": 32, "height": 32, "resize_shorter_side": 36},
}


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    """Write `recipe.yaml` into a folder of its own, with other values where given; the folder."""

    def write(**changes: Any) -> Path:
        folder = tmp_path / "recipe"
        folder.mkdir(exist_ok=True)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | changes))
        return folder

    return write


@pytest.fixture
def shipped_recipes() -> dict[str, Path]:
    """The project's own recipes, by the names of their folders."""
    return {path.parent.name: path for path in MODELS.glob("*/recipe.yaml")}
