"""A bundle's source to the bundle that is served: an artefact for each engine, all of them checked."""

import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..model.bundle import CARD, FORMAT_VERSION, EngineName, ModelBundle, write_manifest
from ..model.engines.tensorflow import head_of, with_features
from .checks import check_engines
from .int8 import add_int8
from .judging.gate.gate import check_bundle
from .onnx_export import export_onnx

LITERT = "model.tflite"
ONNX = "model.onnx"
HEAD = "head.npy"

ARTEFACTS: dict[EngineName, str] = {"litert": LITERT, "onnxruntime": ONNX, "openvino": ONNX}
"""What each engine is served from; TensorFlow runs the weights themselves."""


def build_bundle(
    source: ModelBundle,
    out: Path,
    int8: Sequence[Path] = (),
    engines: Collection[str] = tuple(ARTEFACTS),
) -> ModelBundle:
    """Write the bundle with an artefact for each engine to ``out``, whole or not at all.

    Args:
        source: with Keras weights, which the bundle keeps: it can be built again and trained on.
        out: the folder; what it holds is replaced.
        int8: folders of class folders to quantise and measure on, or none to leave int8 out.
        engines: those that can serve it beside TensorFlow.

    Raises:
        GateFailed: the bundle, or its network in int8, does not reach what its manifest asks for.
        InvalidDataset: the folders for int8 cannot be used.
        InvalidBundle: an engine does not answer as the manifest's golden pictures say.
        EngineUnavailable: an engine is not installed, so nobody knows what it would answer.
    """
    check_bundle(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as parent:
        bundle = _write(source, Path(parent) / out.name, engines)
        if int8:
            bundle = add_int8(bundle, int8)
        check_engines(bundle)
        shutil.rmtree(out, ignore_errors=True)
        shutil.move(bundle.folder, out)
    return replace(bundle, folder=out)


def _write(source: ModelBundle, folder: Path, engines: Collection[str]) -> ModelBundle:
    manifest = source.manifest
    weights = manifest.artefacts["tensorflow"]
    for name in (weights, CARD, *(golden.file for golden in manifest.golden)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.folder / name, folder / name)
    served = {engine: name for engine, name in ARTEFACTS.items() if engine in engines}
    network = keras.saving.load_model(folder / weights, compile=False)
    for name in set(served.values()):
        (folder / name).write_bytes(_EXPORTS[name](network))
    content = manifest.model_dump(mode="json", exclude={"files", "quantised", "activation_maps"})
    content["format_version"] = FORMAT_VERSION
    if _write_head(network, folder / HEAD):
        content["activation_maps"] = {"head": HEAD}
    content["artefacts"] = {"tensorflow": weights, **served}
    return write_manifest(folder, content)


def _write_head(network: keras.Model, out: Path) -> bool:
    """Write what class activation maps are made with, and say whether there is such a thing."""
    head = head_of(network)
    if head is None:
        return False
    kernel, *bias = head.dense.get_weights()
    np.save(out, np.vstack([kernel, *(bias or [np.zeros(kernel.shape[1], np.float32)])]))
    return True


def export_litert(network: keras.Model) -> bytes:
    """A Keras model as a LiteRT flatbuffer with a dynamic batch dimension, float32 throughout.

    Where activation maps can be made of it, its last feature map is its second output.
    """
    model = with_features(network)
    with tempfile.TemporaryDirectory() as saved_model:
        model.export(saved_model, verbose=False)
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(saved_model).convert()
    return converted


_EXPORTS = {LITERT: export_litert, ONNX: export_onnx}
