from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.model.preprocessing import Preprocessing, preprocess
from muffin_v_chihuahua_ml_service.training.data.dataset import read_dataset
from muffin_v_chihuahua_ml_service.training.networks.features import FeatureStore

HOW = Preprocessing(width=16, height=16, resize_shorter_side=16)
Pictures = Callable[..., Path]


@pytest.fixture(scope="module")
def mean_colour() -> keras.Model:
    picture = keras.Input((16, 16, 3))
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D()(picture))


def test_each_picture_gets_its_features_in_order_over_several_batches(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path / "data", 70, seed=1)])

    features = FeatureStore(mean_colour, HOW, tmp_path, "mean").features(samples)

    expected = [preprocess(sample.path.read_bytes(), HOW).mean(axis=(0, 1)) for sample in samples]
    assert features.dtype == np.float16
    np.testing.assert_allclose(features, expected, rtol=2e-3)


def test_a_random_view_follows_from_its_number_and_the_picture_alone(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path / "data", 5, seed=1)])
    store = FeatureStore(mean_colour, HOW, tmp_path, "mean")

    first, second = (np.asarray(store.features(samples, view), dtype=np.float32) for view in (0, 1))
    backwards = np.asarray(store.features(samples[::-1], 0), dtype=np.float32)

    np.testing.assert_allclose(backwards[::-1], first, rtol=1e-6)
    assert (np.abs(first - second).max(axis=1) > 1).all()


def test_what_was_computed_is_found_again_and_only_by_the_same_network_and_pictures(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path / "data", 5, seed=1)])
    inputs = keras.Input((16, 16, 3))
    nothing = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(0)(inputs)))
    features = FeatureStore(mean_colour, HOW, tmp_path, "mean").features(samples)

    def by(key: str, count: int = 10) -> np.ndarray:
        return np.asarray(FeatureStore(nothing, HOW, tmp_path, key).features(samples[:count]))

    np.testing.assert_array_equal(by("mean"), features)
    assert (by("nothing") == 0).all()
    assert (by("mean", count=9) == 0).all()


def test_what_was_interrupted_is_not_found(
    tmp_path: Path, pictures: Pictures, mean_colour: keras.Model
) -> None:
    samples = read_dataset([pictures(tmp_path / "data", 40, seed=1)])
    samples[70].path.unlink()
    store = FeatureStore(mean_colour, HOW, tmp_path / "store", "mean")

    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            store.features(samples)

    assert not list((tmp_path / "store").glob("*.npy"))
