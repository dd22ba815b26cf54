"""EfficientNet-Lite0 in its full size, with 1000 classes and random weights: built, served, and asked."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.preprocessing import preprocess
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings
from muffin_v_chihuahua_ml_service.training.export import build_bundle
from muffin_v_chihuahua_ml_service.training.networks.backbone import load_backbone
from muffin_v_chihuahua_ml_service.training.networks.efficientnet_lite import efficientnet_lite0
from muffin_v_chihuahua_ml_service.training.networks.imagenet import imagenet_labels, with_imagenet_head
from muffin_v_chihuahua_ml_service.training.published.source import open_source

ROOT = Path(__file__).parents[4]

DRAWN = ROOT / "frontend/src/muffin_v_chihuahua/pictures/chihuahua/fawn-on-the-lawn.jpg"


@pytest.fixture(scope="module")
def bundle(randomise: Callable[[keras.Model], None], tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The shipped recipe followed, with random weights where `make imagenet` puts ImageNet's."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(
        ROOT / "models/imagenet-efficientnet-lite0", folder / "models/imagenet-efficientnet-lite0"
    )
    (folder / "build").mkdir()
    network = with_imagenet_head(efficientnet_lite0())
    randomise(network)
    network.save(folder / "build/imagenet.keras")
    with open_source(folder / "models/imagenet-efficientnet-lite0") as source:
        return build_bundle(source, folder / "build/bundle", engines=[])


@pytest.fixture(scope="module")
def expected(bundle: ModelBundle) -> dict[str, float]:
    """What Keras itself answers to the drawn picture."""
    network = keras.saving.load_model(bundle.folder / "model.keras", compile=False)
    picture = preprocess(DRAWN.read_bytes(), bundle.manifest.preprocessing)
    [probabilities] = network.predict_on_batch(picture[np.newaxis])
    return dict(zip(imagenet_labels(), map(float, probabilities), strict=True))


def test_the_service_serves_a_thousand_classes_and_answers_the_three_best_with_their_wordnet_ids(
    bundle: ModelBundle, expected: dict[str, float], until: Callable[[Callable[[], bool]], None]
) -> None:
    app = create_app(Settings(), lambda: load_predictor(bundle, "tensorflow", threads=1))
    with TestClient(app) as client:
        until(lambda: client.get("/").is_success)
        answer = client.post("/predict?top_k=3", files={"file": (DRAWN.name, DRAWN.read_bytes())}).json()

    best = sorted(expected, key=lambda label: -expected[label])[:3]
    assert [each["label"] for each in answer["predictions"]] == best
    assert all(re.fullmatch(r"n\d{8} \w.+", label) for label in best)
    assert answer["verdict"] == best[0]
    assert answer["model"]["name"] == "imagenet-efficientnet-lite0"
    for each in answer["predictions"]:
        assert each["probability"] == pytest.approx(expected[each["label"]], abs=1e-4)
        assert each["probability"] > 0.01


def test_it_is_a_backbone_to_train_on_too(bundle: ModelBundle) -> None:
    backbone = load_backbone(str(bundle.folder))

    assert backbone.network.output_shape == (None, 1280)
    assert backbone.preprocessing == bundle.manifest.preprocessing
