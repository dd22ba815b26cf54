import hashlib
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration, InvalidWeights, ModelNotFound
from muffin_v_chihuahua_ml_service.model.bundle import CARD, Calibration, ModelBundle
from muffin_v_chihuahua_ml_service.model.engines import load_engine
from muffin_v_chihuahua_ml_service.model.preprocessing import preprocess
from muffin_v_chihuahua_ml_service.training.export import build_bundle
from muffin_v_chihuahua_ml_service.training.networks.imagenet import imagenet_labels
from muffin_v_chihuahua_ml_service.training.published.source import make_source, open_source

if TYPE_CHECKING:
    from tests.ml_service.training.published.conftest import FileServer

Publish = Callable[[keras.Model, Path], None]
WriteRecipe = Callable[..., Path]


@pytest.fixture
def folder(write_recipe: WriteRecipe, tiny_network: keras.Model, publish: Publish) -> Path:
    """A recipe with its weights beside it."""
    folder = write_recipe()
    publish(tiny_network, folder / "weights.h5")
    return folder


def test_a_folder_with_a_manifest_is_its_own_source(fake_bundle: Callable[..., ModelBundle]) -> None:
    bundle = fake_bundle()

    with open_source(bundle.folder) as opened:
        assert opened == bundle


def test_a_folder_with_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="neither a folder"), open_source(tmp_path):
        pass


def test_a_source_made_from_a_recipe_has_the_published_weights_and_is_gone_afterwards(
    folder: Path, tiny_network: keras.Model
) -> None:
    with open_source(folder) as made:
        loaded = keras.saving.load_model(made.folder / "model.keras", compile=False)
        for found, published in zip(loaded.get_weights(), tiny_network.get_weights(), strict=True):
            np.testing.assert_array_equal(found, published)

    assert not made.folder.exists()
    assert {path.name for path in folder.iterdir()} == {"recipe.yaml", "weights.h5"}


def test_a_manifest_says_what_the_recipe_says_and_that_nobody_calibrated_it(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    manifest = make_source(folder / "recipe.yaml", out).manifest

    assert (manifest.name, manifest.version) == ("tiny-one", "0.1.0")
    assert manifest.labels == tuple(imagenet_labels())
    assert manifest.calibration == Calibration(temperature=1)
    assert (manifest.gate, manifest.metrics) == (None, {})
    assert manifest.training == {
        "recipe": {"network": "tiny", "weights": {"source": "weights.h5", "digest": None}},
        "weights_sha256": hashlib.sha256((folder / "weights.h5").read_bytes()).hexdigest(),
        "libraries": {name: version(name) for name in ("keras", "tensorflow", "pillow", "numpy")},
    }


@pytest.mark.parametrize("has_digest", [True, False])
def test_the_card_says_where_the_weights_are_from(
    write_recipe: WriteRecipe, folder: Path, tmp_path: Path, *, has_digest: bool
) -> None:
    found = hashlib.sha256((folder / "weights.h5").read_bytes()).hexdigest()
    write_recipe(weights={"source": "weights.h5", "digest": f"sha256:{found}" if has_digest else None})

    card = (make_source(folder / "recipe.yaml", tmp_path / "out").folder / CARD).read_text()

    assert card.startswith("# tiny-one 0.1.0\n\nTells nothing from nothing.\n\n")
    assert "Network `tiny`, 32 x 32 pixels in, one of 1000 classes out." in card
    assert f"Weights from weights.h5{f' (`sha256:{found}`)' if has_digest else ''}.\n" in card
    assert f"was read: `{found}`." in card


@pytest.mark.usefixtures("tiny_network")
def test_golden_pictures_can_be_the_recipes_own(
    write_recipe: WriteRecipe, folder: Path, tmp_path: Path, red: bytes
) -> None:
    write_recipe(golden="pictures")
    (folder / "pictures" / imagenet_labels()[0]).mkdir(parents=True)
    (folder / "pictures" / imagenet_labels()[0] / "red.png").write_bytes(red)

    [golden] = make_source(folder / "recipe.yaml", tmp_path / "out").manifest.golden

    assert (golden.file, golden.label) == ("golden/n01440764 tench-red.png", "n01440764 tench")


def test_build_makes_a_bundle_of_a_recipe_and_its_engines_agree(
    command: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    outcome = command("build", folder, "--out", tmp_path / "bundle")

    bundle = ModelBundle.read(tmp_path / "bundle")
    assert (outcome.status, outcome.out) == (
        0,
        f"{bundle.folder}: tiny-one 0.1.0, {bundle.digest}\n",
    )
    engines = [load_engine(bundle, name, "f32", threads=1) for name in bundle.manifest.artefacts]
    assert {"tensorflow", "litert"} <= {engine.name for engine in engines}
    assert np.ptp([golden.probabilities for golden in bundle.manifest.golden], axis=0).max() > 1e-3
    for golden in bundle.manifest.golden:
        picture = preprocess((bundle.folder / golden.file).read_bytes(), bundle.manifest.preprocessing)
        for engine in engines:
            np.testing.assert_allclose(engine.run(picture[None])[0], golden.probabilities, atol=1e-5)


def test_a_build_downloads_once_and_then_needs_no_network(
    write_recipe: WriteRecipe,
    tiny_network: keras.Model,
    publish: Publish,
    server: "FileServer",
    tmp_path: Path,
) -> None:
    publish(tiny_network, server.folder / "tiny.h5")
    digest = f"sha256:{hashlib.sha256((server.folder / 'tiny.h5').read_bytes()).hexdigest()}"
    folder = write_recipe(weights={"source": server.address("tiny.h5"), "digest": digest})
    built = []

    for name in ("online", "offline"):
        with open_source(folder, tmp_path) as made:
            built.append(build_bundle(made, tmp_path / name))
        server.stop()

    assert server.asked == ["/tiny.h5"]
    assert built[0].manifest.golden == built[1].manifest.golden
    assert built[0].manifest.training["recipe"]["weights"]["digest"] == digest


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"network": "vast"},
            "network: there is no 'vast', choose of efficientnet-lite0, inception-v3, tiny",
        ),
        (
            {"preprocessing": {"width": 32, "height": 30, "resize_shorter_side": 36}},
            "preprocessing: tiny takes pictures of 32 x 32 pixels",
        ),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused_before_anything_is_fetched(
    write_recipe: WriteRecipe, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = write_recipe(**changes) / "recipe.yaml"

    with pytest.raises(InvalidConfiguration, match=re.escape(f"{path}: {reason}.")):
        make_source(path, tmp_path / "out")


@pytest.fixture
def unreadable(folder: Path) -> Path:
    """Beside the recipe: files that are no weights, and one that promises a layer which it has not."""
    for name in ("garbage.h5", "garbage.keras", "garbage.weights.h5", "garbage.txt"):
        (folder / name).write_bytes(b"no weights")
    with h5py.File(folder / "incomplete.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv2d"]
    return folder


@pytest.mark.parametrize(
    "name", ["garbage.h5", "garbage.keras", "garbage.weights.h5", "garbage.txt", "incomplete.h5"]
)
def test_a_file_that_keras_cannot_read_is_one_sentence(
    command: Callable[..., Any], write_recipe: WriteRecipe, unreadable: Path, tmp_path: Path, name: str
) -> None:
    write_recipe(weights={"source": name})

    outcome = command("build", unreadable, "--out", tmp_path / "bundle")

    assert outcome.status == 1
    assert f"Error: {unreadable / name}: Keras cannot load these weights (" in outcome.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("layers", [1, 3])
def test_weights_of_another_network_are_refused(
    folder: Path, tmp_path: Path, publish: Publish, layers: int
) -> None:
    other = keras.Sequential([keras.Input((4,)), *[keras.layers.Dense(4) for _ in range(layers)]])
    publish(other, folder / "weights.h5")

    with pytest.raises(InvalidWeights, match=r"weights\.h5: Keras cannot load these weights \(.+mismatch"):
        make_source(folder / "recipe.yaml", tmp_path / "out")


def test_the_weights_may_lie_in_a_keras_file_too(
    write_recipe: WriteRecipe, folder: Path, tiny_network: keras.Model, tmp_path: Path
) -> None:
    # as `import-imagenet` of version 1.0.0 wrote it, without the last layer
    without_softmax = keras.Model(tiny_network.input, tiny_network.get_layer("logits").output)
    without_softmax.save(folder / "weights.keras")
    write_recipe(weights={"source": "weights.keras"})

    made = make_source(folder / "recipe.yaml", tmp_path / "out")

    [golden, *_] = made.manifest.golden
    picture = preprocess((made.folder / golden.file).read_bytes(), made.manifest.preprocessing)
    np.testing.assert_allclose(tiny_network(picture[None])[0], golden.probabilities, atol=1e-6)
