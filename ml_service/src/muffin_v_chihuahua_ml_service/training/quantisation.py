"""An ONNX network in numbers of 8 bits, the ranges of which follow from some pictures."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

_OPERATORS = ["Conv", "Add", "Clip", "Relu", "MaxPool", "AveragePool", "Concat"]
"""What is computed in 8 bits, up to the last convolution: what follows takes no time, rounded or not."""

_LARGEST = 127
"""A channel's weights become whole numbers up to this one."""

Pictures = Sequence[NDArray[np.float32]]


def quantise(network: Path, pictures: Pictures) -> bytes:
    """The network in 8 bits, as ONNX.

    Args:
        network: an ONNX file from pictures to probabilities.
        pictures: what it will typically see, float32 [height, width, 3] each.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "quantised.onnx"
        model = _folded(network, prepared)
        _make_up_for_rounding(model, _mean_inputs(model, pictures))
        add_pre_process_metadata(model)  # or it would advise to do what was just done
        onnx.save(model, prepared)
        names = [node.name for node in model.graph.node]
        quantize_static(
            prepared,
            quantised,
            _Reader(model, pictures),
            op_types_to_quantize=_OPERATORS,
            # and the activation that follows the last one
            nodes_to_quantize=names[: names.index(_convolutions(model)[-1].name) + 2],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return quantised.read_bytes()


def _folded(network: Path, out: Path) -> onnx.ModelProto:
    """The same with its normalisations inside the convolutions, and with a name for each node."""
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(out)
    InferenceSession(network, options, providers=["CPUExecutionProvider"])
    model = onnx.load(out)
    for number, node in enumerate(model.graph.node):
        node.name = f"node {number}"
    return model


def _convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "Conv"]


def _mean_inputs(model: onnx.ModelProto, pictures: Pictures) -> dict[str, NDArray[np.float64]]:
    """The mean of each channel that a convolution sees, over pictures and places, by the value's name."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = list(dict.fromkeys(node.input[0] for node in _convolutions(model)))
    watched.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0, 2, 3]), "places"))
    for name in names:
        mean = f"mean of {name}"
        watched.graph.node.append(onnx.helper.make_node("ReduceMean", [name, "places"], [mean], keepdims=0))
        watched.graph.output.append(onnx.helper.make_tensor_value_info(mean, onnx.TensorProto.FLOAT, None))
    session = InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run([f"mean of {name}" for name in names], each) for each in _Reader(model, pictures)]
    return {name: np.mean(means, axis=0) for name, means in zip(names, zip(*found, strict=True), strict=True)}


def _make_up_for_rounding(model: onnx.ModelProto, means: Mapping[str, NDArray[np.float64]]) -> None:
    """Take from each bias what its channel will be too large on average, once its weights are rounded.

    After Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", 4.2.
    """
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    for node in _convolutions(model):
        weights = constants[node.input[1]].astype(np.float64)  # [out, in / groups, height, width]
        steps = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / _LARGEST
        steps[steps == 0] = 1
        too_much = (np.round(weights / steps) * steps - weights).sum(axis=(2, 3))
        groups = next((each.i for each in node.attribute if each.name == "group"), 1)
        shift = too_much.reshape(groups, -1, too_much.shape[1]) @ means[node.input[0]].reshape(groups, -1, 1)
        bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights))  # noqa: PLR2004
        # a new one, for convolutions may share theirs
        corrected = onnx.numpy_helper.from_array(
            (bias - shift.ravel()).astype(np.float32), f"{node.name} bias"
        )
        model.graph.initializer.append(corrected)
        node.input[2:] = [corrected.name]
    used = {name for node in model.graph.node for name in node.input}
    for each in [each for each in model.graph.initializer if each.name not in used]:
        model.graph.initializer.remove(each)


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # it has no types of its own
    """What the network is fed, one picture at a time."""

    def __init__(self, model: onnx.ModelProto, pictures: Pictures) -> None:
        self._input = model.graph.input[0].name
        self._pictures = iter(pictures)

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        return ({self._input: picture[np.newaxis]} for picture in self._pictures)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(iter(self), None)
