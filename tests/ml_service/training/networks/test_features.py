from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.model.preprocessing import Preprocessing, preprocess
from muffin_v_chihuahua_ml_service.training.data.dataset import read_dataset
from muffin_v_chihuahua_ml_service.training.networks.features import extract_features

HOW = Preprocessing(width=16, height=16, resize_shorter_side=16)
Pictures = Callable[..., Path]


@pytest.fixture(scope="module")
def mean_colour() -> keras.Model:
    picture = keras.Input((16, 16, 3))
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D()(picture))


def test_each_picture_gets_its_features_in_order_over_several_batches(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path, 70, seed=1)])

    features = extract_features(mean_colour, samples, HOW)

    expected = [preprocess(sample.path.read_bytes(), HOW).mean(axis=(0, 1)) for sample in samples]
    np.testing.assert_allclose(features, expected, rtol=1e-4)


def test_a_random_view_follows_from_its_number_and_the_picture_alone(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path, 5, seed=1)])

    first, second = (extract_features(mean_colour, samples, HOW, augmented=view) for view in (0, 1))
    backwards = extract_features(mean_colour, samples[::-1], HOW, augmented=0)

    np.testing.assert_allclose(backwards[::-1], first, rtol=1e-6)
    assert (np.abs(first - second).max(axis=1) > 1).all()
