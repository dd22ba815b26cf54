"""The three wheels, as `make wheels` built them and pip installed them."""

import json
import re
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest

from muffin_v_chihuahua.gallery import OUR_PICTURES, find_pictures
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

ROOT = Path(__file__).parents[2]
PICTURES = find_pictures(OUR_PICTURES)


def names_in(wheel: str) -> list[str]:
    [path] = (ROOT / "dist").glob(f"{wheel}-*.whl")
    with ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.needs("tensorflow")  # whoever packages a model has every engine answer first
def test_the_model_wheel_holds_data_only() -> None:
    names = [name for name in names_in("muffin_v_chihuahua_model") if ".dist-info/" not in name]
    for name in ("model.json", "model.keras", "model.onnx"):
        assert f"muffin_v_chihuahua_model/{name}" in names
    assert not [name for name in names if name.endswith(".py")]


def test_the_services_wheel_holds_no_model_and_no_picture() -> None:
    suffixes = {Path(name).suffix for name in names_in("muffin_v_chihuahua_ml_service")}
    assert ".py" in suffixes
    assert not suffixes & {".keras", ".tflite", ".jpg", ".png"}


@pytest.mark.parametrize("label", ["chihuahua", "muffin"])
def test_the_frontends_wheel_carries_a_gallery(label: str) -> None:
    folder = f"muffin_v_chihuahua/pictures/{label}/"
    assert (
        len([name for name in names_in("muffin_v_chihuahua_model_as_a_service") if name.startswith(folder)])
        >= 8
    )


@pytest.mark.parametrize(
    "wheel",
    [
        "muffin-v-chihuahua-model-as-a-service",
        "muffin-v-chihuahua-ml-service",
        pytest.param("muffin-v-chihuahua-model", marks=pytest.mark.needs("tensorflow")),
    ],
)
def test_no_wheel_asks_for_another(wheel: str) -> None:
    assert not [line for line in requires(wheel) or [] if line.startswith("muffin")]


@pytest.mark.needs("tensorflow")
def test_an_installed_model_wheel_is_all_that_the_service_needs() -> None:
    bundle = open_bundle(None)
    assert bundle.manifest.name == "muffin-v-chihuahua"
    assert "site-packages" in bundle.folder.parts


def test_the_shipped_model_gets_every_picture_of_the_gallery_right() -> None:
    predictor = load_predictor(open_bundle(str(ROOT / "models/muffin-v-chihuahua/bundle")), threads=2)
    arrays = [predictor.preprocess(path.read_bytes()) for path in PICTURES]
    verdicts = [prediction.verdict for prediction in predictor.predict_batch(arrays)]
    assert verdicts == [path.parent.name for path in PICTURES]


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text()
    pinned = re.findall(r"^[a-z0-9].*==.*$", text, re.MULTILINE | re.IGNORECASE)
    assert pinned
    assert all(line.endswith("\\") for line in pinned)
    assert "://" not in text


def test_the_lock_of_the_browsers_tests_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "tests/e2e/package-lock.json").read_text()
    packages = [each for name, each in json.loads(text)["packages"].items() if name]
    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages)
    assert "://" not in text


@pytest.mark.parametrize("lock", ["service", "app"])
def test_neither_service_installs_a_training_framework(lock: str) -> None:
    names = re.findall(r"^([a-z0-9-]+)==", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE)
    assert not {"tensorflow", "keras", "torch", "scikit-learn"} & set(names)
