import json
import time
import zipfile
from pathlib import Path

import keras
import numpy as np

from muffin_v_chihuahua_ml_service.model.engines.tensorflow import TensorFlowEngine
from muffin_v_chihuahua_ml_service.training.networks.keras_file import save_reproducibly


def network(seed: int = 0) -> keras.Model:
    """One of everything that Keras names: layers, a model inside, an operation; and some that are shared."""
    keras.utils.set_random_seed(seed)
    start, regularizer = keras.initializers.GlorotUniform(seed=seed), keras.regularizers.L2(1e-4)
    options = {"kernel_initializer": start, "kernel_regularizer": regularizer}
    picture = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", **options)(picture)
    x = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Dense(4, **options)])(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x + 1)
    return keras.Model(picture, keras.layers.Dense(2, activation="softmax", **options)(x))


def compiled(seed: int = 0) -> keras.Model:
    model = network(seed)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def saved(model: keras.Model, path: Path) -> bytes:
    save_reproducibly(model, path)
    return path.read_bytes()


def test_the_same_network_is_the_same_bytes_however_many_were_made_before(tmp_path: Path) -> None:
    first = [saved(make(), tmp_path / "model.keras") for make in (network, compiled)]
    time.sleep(2)  # the archive's dates count in steps of two seconds

    second = [saved(make(), tmp_path / "model.keras") for make in (network, compiled)]

    assert second == first
    assert first[0] != first[1]


def test_the_same_network_is_the_same_bytes_in_another_process(
    tmp_path: Path, written_elsewhere: Path
) -> None:
    assert saved(network(), tmp_path / "ours.keras") == (written_elsewhere / "network.keras").read_bytes()


def test_a_network_that_is_loaded_and_saved_again_is_the_same_bytes(tmp_path: Path) -> None:
    first = saved(network(), tmp_path / "first.keras")

    loaded = keras.saving.load_model(tmp_path / "first.keras")

    assert saved(loaded, tmp_path / "second.keras") == first


def test_the_file_is_smaller_than_keras_own_and_holds_the_same_numbers(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    picture = keras.Input((64,))
    model = keras.Model(picture, keras.layers.Dense(64)(picture))
    model.save(tmp_path / "plain.keras")

    compact = saved(model, tmp_path / "compact.keras")

    assert len(compact) < 0.9 * (tmp_path / "plain.keras").stat().st_size
    loaded = keras.saving.load_model(tmp_path / "compact.keras")
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_other_weights_and_other_layers_are_other_bytes(tmp_path: Path) -> None:
    nudged, renamed = network(), network()
    weights = nudged.get_weights()
    weights[-1][0] += 1e-7
    nudged.set_weights(weights)
    renamed.layers[1].name = "stem"

    files = {saved(model, tmp_path / "model.keras") for model in (network(), network(1), nudged, renamed)}

    assert len(files) == 4


def test_what_was_saved_answers_as_before(tmp_path: Path) -> None:
    model = network()
    pictures = np.random.default_rng(0).uniform(0, 1, (3, 8, 8, 3)).astype(np.float32)
    expected = model.predict_on_batch(pictures)

    save_reproducibly(model, tmp_path / "model.keras")

    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_on_batch(pictures), expected)
    engine = TensorFlowEngine(tmp_path / "model.keras", threads=1, streams=1)
    np.testing.assert_allclose(engine.run(pictures), expected, atol=1e-6)


def test_the_names_that_somebody_chose_stay_and_the_network_keeps_its_own(tmp_path: Path) -> None:
    network()  # so that the next one's names are counted on
    model = network()
    before = [layer.name for layer in model.layers]

    save_reproducibly(model, tmp_path / "model.keras")

    assert [layer.name for layer in model.layers] == before
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.name == "functional"
    assert [layer.name for layer in loaded.layers] == [
        "input_layer",
        "conv2d",
        "sequential",
        "features",
        "dense",
    ]


def test_only_the_date_is_left_out_of_the_metadata(tmp_path: Path) -> None:
    save_reproducibly(network(), tmp_path / "model.keras")

    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        metadata = json.loads(archive.read("metadata.json"))
    assert metadata == {"keras_version": keras.__version__}
