import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.training.networks import imagenet

Checkpoint = dict[str, NDArray[np.float32]]

BLOCKS = [  # kernel, channels in, channels out, of the 16 blocks, as the paper's table 1 has them
    (3, 32, 16),
    *[(3, 16, 24), (3, 24, 24)],
    *[(5, 24, 40), (5, 40, 40)],
    *[(3, 40, 80), (3, 80, 80), (3, 80, 80)],
    *[(5, 80, 112), (5, 112, 112), (5, 112, 112)],
    *[(5, 112, 192), (5, 192, 192), (5, 192, 192), (5, 192, 192)],
    (3, 192, 320),
]


class Recorded(Checkpoint):
    """A checkpoint that knows what was read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        self.read.append(name)
        return super().__getitem__(name)

    def add(self, convolution: str, norm: str, *shape: int) -> None:
        rng = np.random.default_rng(len(self))
        self[f"{convolution}.weight"] = rng.normal(size=shape, scale=0.1).astype(np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self[f"{norm}.{part}"] = rng.uniform(0.5, 1.5, shape[0]).astype(np.float32)


def checkpoint_of_published_shapes() -> Recorded:
    checkpoint = Recorded()
    checkpoint.add("_conv_stem", "_bn0", 32, 3, 3, 3)
    for index, (kernel, before, after) in enumerate(BLOCKS):
        name = f"_blocks.{index}."
        wide = before if index == 0 else 6 * before
        if index > 0:
            checkpoint.add(f"{name}_expand_conv", f"{name}_bn0", wide, before, 1, 1)
        checkpoint.add(f"{name}_depthwise_conv", f"{name}_bn1", wide, 1, kernel, kernel)
        checkpoint.add(f"{name}_project_conv", f"{name}_bn2", after, wide, 1, 1)
    checkpoint.add("_conv_head", "_bn1", 1280, 320, 1, 1)
    rng = np.random.default_rng(0)
    checkpoint["_fc.weight"] = rng.normal(size=(1000, 1280)).astype(np.float32)
    checkpoint["_fc.bias"] = rng.normal(size=1000).astype(np.float32)
    return checkpoint


@pytest.fixture(scope="module")
def checkpoint() -> Recorded:
    return checkpoint_of_published_shapes()


@pytest.fixture(scope="module")
def classifier(checkpoint: Recorded) -> keras.Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imagenet, "_read_checkpoint", lambda: checkpoint)
        return imagenet.imagenet_classifier()


def test_there_are_1000_labels_in_the_order_of_the_alphabet() -> None:
    labels = imagenet.imagenet_labels()

    assert len(set(labels)) == 1000
    assert labels == sorted(labels)
    assert all(re.fullmatch("n[0-9]{8} [^ ].*[^ ]", label) for label in labels)
    assert [labels[index] for index in (0, 1, 151, 999)] == [
        "n01440764 tench",
        "n01443537 goldfish",
        "n02085620 Chihuahua",
        "n15075141 toilet tissue",
    ]


def test_no_two_classes_have_the_same_name() -> None:
    # in WordNet, the bird and the machine are both called crane, and a maillot is two garments
    names = [label.partition(" ")[2] for label in imagenet.imagenet_labels()]

    assert len(set(names)) == 1000


def test_the_head_gives_probabilities() -> None:
    picture = keras.Input((8, 8, 3))
    backbone = keras.Model(picture, keras.layers.GlobalAveragePooling2D()(picture), name="mean")

    network = imagenet.with_imagenet_head(backbone)

    assert network.name == "imagenet_mean"
    answers = network.predict_on_batch(np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)))
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-4)
    assert (answers >= 0).all()


def test_every_weight_of_the_checkpoint_is_used_once(checkpoint: Recorded, classifier: keras.Model) -> None:
    assert sorted(checkpoint.read) == sorted(checkpoint)
    assert sum(weight.size for weight in checkpoint.values()) == classifier.count_params()


def test_every_weight_of_the_network_is_filled(checkpoint: Recorded, classifier: keras.Model) -> None:
    filled = sorted(float(np.sum(weight)) for weight in classifier.get_weights())

    np.testing.assert_allclose(
        filled, sorted(float(w.sum()) for w in checkpoint.values()), rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize(
    ("layer", "name", "order"),
    [
        ("stem", "_conv_stem", (2, 3, 1, 0)),
        ("block0_depthwise", "_blocks.0._depthwise_conv", (2, 3, 0, 1)),
        ("block3_expand", "_blocks.3._expand_conv", (2, 3, 1, 0)),
        ("block8_depthwise", "_blocks.8._depthwise_conv", (2, 3, 0, 1)),
        ("block15_project", "_blocks.15._project_conv", (2, 3, 1, 0)),
        ("top", "_conv_head", (2, 3, 1, 0)),
    ],
)
def test_a_kernel_is_laid_out_as_keras_has_it(
    checkpoint: Recorded, classifier: keras.Model, layer: str, name: str, order: tuple[int, ...]
) -> None:
    [kernel] = classifier.get_layer(layer).get_weights()

    np.testing.assert_array_equal(kernel, checkpoint[f"{name}.weight"].transpose(order))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("stem_bn", "_bn0"),
        ("block0_depthwise_bn", "_blocks.0._bn1"),
        ("block3_expand_bn", "_blocks.3._bn0"),
        ("block3_project_bn", "_blocks.3._bn2"),
        ("top_bn", "_bn1"),
    ],
)
def test_a_normalisation_gets_its_four_vectors(
    checkpoint: Recorded, classifier: keras.Model, layer: str, name: str
) -> None:
    gamma, beta, mean, variance = classifier.get_layer(layer).get_weights()

    np.testing.assert_array_equal(gamma, checkpoint[f"{name}.weight"])
    np.testing.assert_array_equal(beta, checkpoint[f"{name}.bias"])
    np.testing.assert_array_equal(mean, checkpoint[f"{name}.running_mean"])
    np.testing.assert_array_equal(variance, checkpoint[f"{name}.running_var"])


@pytest.fixture
def always_tench() -> keras.Model:
    """A network that answers the first of the labels."""
    picture = keras.Input((224, 224, 3))
    mean = keras.layers.GlobalAveragePooling2D()(picture)
    bias = keras.initializers.Constant(np.eye(1000)[0])
    answer = keras.layers.Dense(1000, kernel_initializer="zeros", bias_initializer=bias)(mean)
    return keras.Model(picture, answer, name="always_tench")


def test_top_1_counts_the_pictures_that_get_the_label_of_their_name(
    always_tench: keras.Model, tmp_path: Path
) -> None:
    for name in ("n01440764_tench.jpg", "n01440764_another.jpg", "n01443537_goldfish.jpg", "no-label.jpg"):
        Image.new("RGB", (30, 20), "red").save(tmp_path / name)

    assert imagenet.top1_accuracy(always_tench, tmp_path) == (2, 3)


def test_a_folder_without_such_pictures_is_refused(always_tench: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"no pictures named like n01440764_tench\.jpg"):
        imagenet.top1_accuracy(always_tench, tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always_tench: keras.Model) -> Path:
    """Work in a folder with one picture, where the network to bring over is another one."""
    monkeypatch.setattr(imagenet, "imagenet_classifier", lambda: always_tench)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 20), "red").save("n01440764_tench.jpg")
    return tmp_path


@pytest.mark.parametrize(("options", "said"), [((), ""), (("--check", "."), "top-1 on .: 100.00%, 1 of 1\n")])
def test_the_command_writes_the_network_and_measures_it_where_asked_to(
    command: Callable[..., Any], folder: Path, options: tuple[str, ...], said: str
) -> None:
    outcome = command("import-imagenet", "deeper/imagenet.keras", *options)

    written = keras.saving.load_model(folder / "deeper" / "imagenet.keras")
    assert outcome.status == 0
    assert outcome.out == f"deeper/imagenet.keras: always_tench\n{said}"
    assert written.output_shape == (None, 1000)
