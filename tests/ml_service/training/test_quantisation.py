from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from muffin_v_chihuahua_ml_service.training.onnx_export import export_onnx
from muffin_v_chihuahua_ml_service.training.quantisation import quantise


def answers(network: bytes, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    session = InferenceSession(network, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"pictures": pictures})[0]
    return found


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(0, 255, (24, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolutions with a bias, without one, channel by channel, one that says nothing, and a head."""
    folder = tmp_path_factory.mktemp("quantisation")
    keras.utils.set_random_seed(4)
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(16, 3, padding="same")(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    x = keras.layers.ReLU(6.0)(keras.layers.DepthwiseConv2D(3, use_bias=False)(x))
    nothing = keras.layers.Conv2D(8, 1, kernel_initializer="zeros")(x)
    x = keras.layers.Concatenate()([keras.layers.Conv2D(24, 1, use_bias=False)(x), nothing])
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="relu")(x))
    network = keras.Model(picture, keras.layers.Dense(3, activation="softmax")(x))
    (folder / "network.onnx").write_bytes(export_onnx(network))
    return folder / "network.onnx"


@pytest.fixture(scope="module")
def quantised(network: Path, pictures: NDArray[np.float32]) -> bytes:
    return quantise(network, list(pictures))


def test_a_network_in_8_bits_answers_nearly_the_same(
    network: Path, quantised: bytes, pictures: NDArray[np.float32]
) -> None:
    others = np.random.default_rng(2).uniform(0, 255, (9, 16, 16, 3)).astype(np.float32)
    for seen in (pictures, others):
        off = np.abs(answers(quantised, seen) - answers(network.read_bytes(), seen))
        assert 0 < off.max() < 0.02


def test_what_is_quantised_goes_up_to_the_last_convolution(quantised: bytes) -> None:
    graph = onnx.load_from_string(quantised).graph
    made_by = {name: node.op_type for node in graph.node for name in node.output}

    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5
    for node in convolutions:
        assert {made_by[name] for name in node.input} == {"DequantizeLinear"}
    for node in graph.node:
        if node.op_type in {"Gemm", "MatMul"}:
            assert "DequantizeLinear" not in {made_by.get(name) for name in node.input[1:]}


def test_the_means_of_rounded_weights_are_made_up_for(
    network: Path, pictures: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With weights so coarse that it shows, the answers are closer on average than without."""
    from muffin_v_chihuahua_ml_service.training import quantisation  # noqa: PLC0415 - for what is replaced

    exact = answers(network.read_bytes(), pictures)
    with_it = answers(quantise(network, list(pictures)), pictures)
    monkeypatch.setattr(quantisation, "_make_up_for_rounding", lambda *_: None)
    without = answers(quantise(network, list(pictures)), pictures)

    assert np.abs((with_it - exact).mean(axis=0)).max() < np.abs((without - exact).mean(axis=0)).max()


def test_the_same_pictures_give_the_same_bytes(
    network: Path, quantised: bytes, pictures: NDArray[np.float32]
) -> None:
    assert quantise(network, list(pictures)) == quantised
