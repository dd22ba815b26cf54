import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.training.networks.inception import inception_v3


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return inception_v3()


def test_it_makes_2048_features_of_a_picture(network: keras.Model) -> None:
    assert network.input_shape == (None, 299, 299, 3)
    assert network.output_shape == (None, 2048)
    assert network.layers[-1].name == "features"


@pytest.mark.parametrize(("layer", "side"), [("mixed2", 35), ("mixed7", 17), ("mixed10", 8)])
def test_the_grids_have_the_sides_of_the_paper(network: keras.Model, layer: str, side: int) -> None:
    assert network.get_layer(layer).output.shape[1:3] == (side, side)


def test_the_scaling_is_in_the_network(network: keras.Model) -> None:
    scaled = network.get_layer("scaling")(np.array([0, 127.5, 255], dtype=np.float32))

    np.testing.assert_allclose(scaled, [-1, 0, 1], atol=1e-6)


def test_it_is_made_of_keras_own_layers_so_that_any_keras_loads_it(network: keras.Model) -> None:
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
