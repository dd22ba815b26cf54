from pathlib import Path

import keras
import onnx
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.training.onnx_export import OPSET, export_onnx


def six_limits() -> keras.Model:
    """tf2onnx keeps one of six equal limits, and which one it is depends on a hash."""
    keras.utils.set_random_seed(0)
    picture = x = keras.Input((8, 8, 3))
    for _ in range(6):
        x = keras.layers.ReLU(6.0)(keras.layers.Conv2D(3, 3, padding="same")(x))
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D()(x))


def artefact(bundle: ModelBundle) -> Path:
    path = bundle.artefact("onnxruntime")
    assert path is not None
    return path


@pytest.fixture(params=["tiny_bundle", "default_bundle"], scope="module")
def bundle(request: pytest.FixtureRequest) -> ModelBundle:
    built: ModelBundle = request.getfixturevalue(request.param)
    return built


def shape(value: onnx.ValueInfoProto) -> list[str | int]:
    return [each.dim_param or each.dim_value for each in value.type.tensor_type.shape.dim]


def test_the_file_is_valid_onnx_of_the_declared_opset_with_a_batch_of_any_size(bundle: ModelBundle) -> None:
    model = onnx.load(artefact(bundle))

    onnx.checker.check_model(model, full_check=True)
    assert {each.version for each in model.opset_import if each.domain == ""} == {OPSET}
    [pictures], [probabilities, features] = model.graph.input, model.graph.output
    how = bundle.manifest.preprocessing
    assert shape(pictures) == ["N", how.height, how.width, 3]
    assert shape(probabilities) == ["N", len(bundle.manifest.labels)]
    assert (probabilities.name, features.name) == ("probabilities", "features")
    assert (shape(features)[0], len(shape(features))) == ("N", 4)
    assert pictures.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert probabilities.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_the_pictures_are_turned_to_the_layout_of_onnx_once_and_not_at_every_convolution(
    default_bundle: ModelBundle,
) -> None:
    operators = [node.op_type for node in onnx.load(artefact(default_bundle)).graph.node]

    assert operators.count("Conv") == 49
    assert operators.count("Transpose") == 2


def test_the_same_weights_are_the_same_bytes_in_every_process(written_elsewhere: Path) -> None:
    first = export_onnx(six_limits())

    assert export_onnx(six_limits()) == first
    assert (written_elsewhere / "six_limits.onnx").read_bytes() == first


def test_a_network_that_onnx_has_no_operator_for_is_refused() -> None:
    picture = keras.Input((4, 4, 3))
    probabilities = keras.layers.GlobalAveragePooling2D()(keras.ops.erfinv(picture))

    with pytest.raises(InvalidBundle, match=r"The network cannot be written as ONNX \(.*Erfinv.*\)\.$"):
        export_onnx(keras.Model(picture, probabilities))
