"""What a training starts from: a network that already sees, with the preprocessing that it learnt with."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import keras

from ...errors import InvalidConfiguration, ModelNotFound
from ...model.preprocessing import Preprocessing
from ...model.sources import open_bundle
from .efficientnet_lite import PREPROCESSING

FEATURES = "features"
"""The layer whose output [N, channels] heads are put on."""


@dataclass(frozen=True)
class Backbone:
    """A network from pictures float32 [N, height, width, 3] in [0, 255] to features float32 [N, channels]."""

    network: keras.Model
    preprocessing: Preprocessing
    digest: str
    """Hexadecimal SHA-256 of the file that it came from."""

    @property
    def key(self) -> str:
        """What tells it from every other."""
        return f"{self.digest}/{self.preprocessing.model_dump_json()}"

    def up_to(self, layer: str) -> keras.Model:
        """The part from pictures to the output of a layer.

        Raises:
            InvalidConfiguration: there is no such layer.
        """
        try:
            return keras.Model(self.network.input, self.network.get_layer(layer).output)
        except ValueError as error:
            raise InvalidConfiguration(f"fine_tuning.after: the backbone has no layer {layer!r}.") from error


def load_backbone(source: str | None) -> Backbone:
    """Load a Keras file or the weights of a bundle, up to its layer ``features``.

    Args:
        source: a ``.keras`` file, or what `open_bundle` takes; a file is taken to want EfficientNet-Lite0's
            preprocessing, a bundle says which it wants.

    Raises:
        InvalidConfiguration: it leads to no bundle, or to one without such a layer or Keras weights.
    """
    file, preprocessing = _locate(source)
    network = keras.saving.load_model(file, compile=False)
    if FEATURES not in {layer.name for layer in network.layers}:
        raise InvalidConfiguration(f"{file}: a backbone needs a layer with the name {FEATURES!r}.")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Backbone(keras.Model(network.input, network.get_layer(FEATURES).output), preprocessing, digest)


def _locate(source: str | None) -> tuple[Path, Preprocessing]:
    if source is not None and Path(source).is_file() and source.endswith(".keras"):
        return Path(source), PREPROCESSING
    try:
        bundle = open_bundle(source)
    except ModelNotFound as error:
        raise InvalidConfiguration(
            f"backbone: a Keras file or a model is needed to start from. {error}"
        ) from error
    weights = bundle.artefact("tensorflow")
    if weights is None:
        raise InvalidConfiguration(f"{bundle.folder}: has no Keras weights to start from.")
    return weights, bundle.manifest.preprocessing
