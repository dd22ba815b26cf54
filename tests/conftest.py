"""What the service's tests share: drawn pictures, a bundle without a network, and the service around it."""

import fcntl
import gc
import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient
from tests.left_out import (
    need,
    pytest_addoption,
    pytest_configure,
    pytest_make_collect_report,
    pytest_runtest_setup,
)
from tests.parallel import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

from muffin_v_chihuahua_ml_service.__main__ import main
from muffin_v_chihuahua_ml_service.model.bundle import (
    CARD,
    EngineName,
    ModelBundle,
    Precision,
    write_manifest,
)
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported here stays: no collection of garbage looks through it, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_make_collect_report",
    "pytest_runtest_setup",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]
"""Hooks for all tests."""

Pictures = NDArray[np.float32]
Explain = Callable[[Pictures], tuple[Pictures, Pictures]]


RECORDS = "ML_SERVICE_DATABASE_URL"
os.environ[RECORDS] = "off"  # for fixtures of a session and for processes, too: no test writes to the home


@pytest.fixture(autouse=True)
def _nothing_is_set_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ML_SERVICE_") and name != RECORDS:
            monkeypatch.delenv(name)


def drawing(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """A picture that no flip and no turn leaves as it is: red grows to the right, green downwards."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = columns * 255 // max(width - 1, 1), rows * 255 // max(height - 1, 1)
    pixels = np.stack([red, green, np.full_like(red, 64)], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def draw() -> Callable[..., Image.Image]:
    """Draw a picture: size, mode."""
    return drawing


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Make a picture's bytes: image, kind, and what Pillow's `save` takes."""
    return encoded


@pytest.fixture
def red() -> bytes:
    return encoded(Image.new("RGB", (40, 40), (250, 10, 10)))


@dataclass(frozen=True)
class FakeEngine:
    """An engine without a network."""

    run: Callable[[Pictures], Pictures]
    explain: Explain
    name: EngineName = "litert"
    precision: Precision = "f32"
    streams: int = 1
    max_batch: int = 1


def redness(batch: Pictures) -> Pictures:
    """The share of red against blue, as the probabilities of `blue` and `red`."""
    red, blue = batch[..., 0].mean(axis=(1, 2)) + 1, batch[..., 2].mean(axis=(1, 2)) + 1
    return np.stack([blue / (red + blue), red / (red + blue)], axis=1)


def with_redness(run: Callable[[Pictures], Pictures]) -> Explain:
    """What `run` answers, with a feature map [N, 4, 4, 1] of how much more red than blue there is."""

    def explain(batch: Pictures) -> tuple[Pictures, Pictures]:
        count, height, width, _ = batch.shape
        redder = (batch[..., 0] - batch[..., 2]).reshape(count, 4, height // 4, 4, width // 4)
        return run(batch), redder.mean(axis=(2, 4))[..., np.newaxis] / 255

    return explain


MANIFEST: dict[str, Any] = {
    "format_version": 4,
    "name": "fake-model",
    "version": "9.9.9",
    "description": "Tells red from blue without a network.",
    "labels": ["blue", "red"],
    "preprocessing": {"width": 32, "height": 32, "resize_shorter_side": 36},
    "calibration": {
        "temperature": 1.0,
        "coverage": 0.9,
        "thresholds": {label: {"at_least": 0.6, "pictures": 100} for label in ("blue", "red")},
    },
    "golden": [{"file": "golden/red.png", "probabilities": [0.0, 1.0]}],
    "golden_tolerance": 0.001,
    "training": {},
    "gate": None,
    "metrics": {},
    "artefacts": {
        "litert": "model.tflite",
        "onnxruntime": "model.onnx",
        "openvino": "model.onnx",
        "tensorflow": "model.keras",
    },
}


@pytest.fixture
def fake_bundle(tmp_path: Path, red: bytes) -> Callable[..., ModelBundle]:
    """Write a bundle whose artefacts are no networks, with other values in its manifest where given."""

    def write(**changes: Any) -> ModelBundle:
        # the thresholds are those of the labels that it has without changes
        uncalibrated = {"calibration": {"temperature": 1.0}} if "labels" in changes else {}
        manifest = MANIFEST | uncalibrated | changes
        folder = tmp_path / "bundle"
        networks = [*manifest["artefacts"].values()]
        if "quantised" in manifest:
            networks.append(manifest["quantised"]["file"])
        if "activation_maps" in manifest:
            _write_head(folder / manifest["activation_maps"]["head"], len(manifest["labels"]))
        contents = {CARD: b"# fake", **dict.fromkeys(networks, b"no network")}
        for name, content in {**contents, **{each["file"]: red for each in manifest["golden"]}}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return write_manifest(folder, manifest)

    return write


def _write_head(path: Path, labels: int) -> None:
    """For one channel, which speaks against the first label and for the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack([np.linspace(-1, 1, labels), np.zeros(labels)]).astype(np.float32))


@pytest.fixture
def make_predictor(fake_bundle: Callable[..., ModelBundle]) -> Callable[..., Predictor]:
    """Make a predictor with a fake engine that runs `run`; changes to the manifest."""

    def make(
        run: Callable[[Pictures], Pictures] = redness,
        manifest: dict[str, Any] | None = None,
        streams: int = 1,
        max_batch: int = 1,
    ) -> Predictor:
        engine = FakeEngine(run, with_redness(run), streams=streams, max_batch=max_batch)
        return Predictor(fake_bundle(**(manifest or {})), engine)

    return make


@pytest.fixture
def make_app(make_predictor: Callable[..., Predictor]) -> Callable[..., FastAPI]:
    """Make the service with the predictor that `make_predictor` makes of its arguments; settings."""

    def make(
        run: Callable[[Pictures], Pictures] = redness,
        manifest: dict[str, Any] | None = None,
        **settings: Any,
    ) -> FastAPI:
        predictor = make_predictor(run, manifest)
        return create_app(Settings(**settings), lambda: predictor)

    return make


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so; a test that waits for what never comes fails."""

    def wait(is_so: Callable[[], bool]) -> None:
        for _ in range(3000):
            if is_so():
                return
            time.sleep(0.01)
        pytest.fail("It never came to be.")

    return wait


@pytest.fixture
def start(
    make_app: Callable[..., FastAPI], until: Callable[[Callable[[], bool]], None]
) -> Iterator[Callable[..., TestClient]]:
    """Start the service that `make_app` makes of the same arguments, and wait until it is ready."""
    with ExitStack() as stack:

        def begin(**arguments: Any) -> TestClient:
            client = stack.enter_context(TestClient(make_app(**arguments), raise_server_exceptions=False))
            until(lambda: client.get("/").is_success)
            return client

        yield begin


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    """The service with a fake engine, ready."""
    return start()


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the service's command in this process with these arguments."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["muffin-v-chihuahua-ml-service", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        code = end.value.code
        return Outcome(code if isinstance(code, int) else 0, out, err)

    return run


CHANNELS = {"red": 0, "green": 1, "blue": 2}


@dataclass(frozen=True)
class Workshop:
    """What a training needs: a data folder, pictures that may be shown, and a network with features."""

    data: Path
    golden: Path
    backbone: Path


def coloured_noise(rng: np.random.Generator, channel: int) -> Image.Image:
    """Coarse noise, so that no two are near-duplicates, with more of one colour in it."""
    noise = rng.integers(0, 120, (8, 8, 3))
    noise[..., channel] += 100
    return Image.fromarray(noise.astype(np.uint8)).resize((48, 48), Image.Resampling.BILINEAR)


def draw_classes(folder: Path, count: int, seed: int, labels: Sequence[str] = ("blue", "red")) -> Path:
    """A folder for each label, with so many pictures that are more of one colour than of the others."""
    rng = np.random.default_rng(seed)
    for label in labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            # uncompressed, so that the digest and with it the split never depend on a library's version
            picture = coloured_noise(rng, CHANNELS.get(label, 1))
            picture.save(folder / label / f"{seed}-{number}.bmp")
    return folder


@pytest.fixture(scope="session")
def pictures() -> Callable[..., Path]:
    """Draw a data folder: folder, pictures of each label, seed, labels."""
    return draw_classes


MakeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """A folder of this name that a function has filled, once for all processes of xdist; only read it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, write: Callable[[Path], object]) -> Path:
        folder, unfinished = shared / name, shared / f"{name}-unfinished"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)  # of one that failed
                unfinished.mkdir()
                write(unfinished)
                unfinished.rename(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def workshop(made_once: MakeOnce) -> Workshop:
    """40 pictures of `red` and of `blue`, one more of each to be shown, and a network of two layers."""
    need("tensorflow")
    folder = made_once("workshop", _furnish)
    return Workshop(folder / "data", folder / "golden", folder / "backbone.keras")


def _furnish(folder: Path) -> None:
    import keras  # noqa: PLC0415 - only here is TensorFlow imported

    draw_classes(folder / "data", 40, seed=1)
    draw_classes(folder / "golden", 1, seed=2)
    keras.utils.set_random_seed(0)
    picture = keras.Input((224, 224, 3), name="picture")
    x = keras.layers.AveragePooling2D(7, name="pooled")(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, activation="relu")(x))
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    # a head that training takes off
    keras.Model(picture, keras.layers.Dense(5)(features)).save(folder / "backbone.keras")
