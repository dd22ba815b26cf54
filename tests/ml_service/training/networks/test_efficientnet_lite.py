import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.training.networks.efficientnet_lite import (
    PREPROCESSING,
    efficientnet_lite0,
)

PUBLISHED = 4_652_008
"""Trained parameters of EfficientNet-Lite0 with its head for 1000 classes, as timm's model table has them."""

HEAD = 1280 * 1000 + 1000


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return efficientnet_lite0()


def test_it_has_as_many_parameters_as_the_published_network(network: keras.Model) -> None:
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)

    assert trained + HEAD == PUBLISHED


def test_it_makes_1280_features_of_a_picture(network: keras.Model) -> None:
    how = PREPROCESSING

    assert network.input_shape == (None, how.height, how.width, 3)
    assert network.output_shape == (None, 1280)
    assert network.get_layer("features").output.shape == (None, 1280)


@pytest.mark.parametrize(
    ("layer", "side"),
    [
        ("stem", 112),
        ("block0_project", 112),
        ("block2_project", 56),
        ("block4_project", 28),
        ("block7_project", 14),
        ("top", 7),
    ],
)
def test_each_stage_halves_the_picture_where_the_paper_says_so(
    network: keras.Model, layer: str, side: int
) -> None:
    assert network.get_layer(layer).output.shape[1:3] == (side, side)


def test_the_scaling_is_in_the_network(network: keras.Model) -> None:
    scaled = network.get_layer("scaling")(np.array([0, 127, 255], dtype=np.float32))

    np.testing.assert_allclose(scaled, [-127 / 128, 0, 1], atol=1e-6)
