"""A Keras model as an ONNX file whose bytes follow from the model alone."""

import keras
import onnx
import tensorflow as tf
import tf2onnx

from ..errors import InvalidBundle
from ..model.engines.tensorflow import with_features

OPSET = 18
"""The newest that tf2onnx 1.17 writes."""

_INPUT, _OUTPUTS, _BATCH = "pictures", ("probabilities", "features"), "N"


def export_onnx(model: keras.Model) -> bytes:
    """A Keras model as ONNX: pictures float32 [N, height, width, 3] to probabilities float32 [N, labels].

    Where activation maps can be made of it, its last feature map is its second output.

    Raises:
        InvalidBundle: the network does something that tf2onnx cannot say in ONNX.
    """
    network = with_features(model)
    signature = [tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)]
    graph = tf.function(lambda batch: network(batch, training=False), input_signature=signature)
    exported, _ = tf2onnx.convert.from_function(graph, signature, opset=OPSET)
    _rename(exported.graph)
    try:
        onnx.checker.check_model(exported, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidBundle(f"The network cannot be written as ONNX ({reason}).") from error
    content: bytes = exported.SerializeToString(deterministic=True)
    return content


def _rename(graph: onnx.GraphProto) -> None:
    """Number the values in the order of their use; tf2onnx's names and order are others in every process."""
    outputs = dict(zip((each.name for each in graph.output), _OUTPUTS, strict=False))
    names = {"": "", graph.input[0].name: _INPUT, **outputs}  # "": an input left out
    for node in graph.node:
        node.name = ""
        for values in (node.input, node.output):
            values[:] = [names.setdefault(name, str(len(names))) for name in values]
    order = {name: place for place, name in enumerate(names)}
    graph.initializer.sort(key=lambda tensor: order[tensor.name])
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _BATCH
    graph.doc_string = ""
