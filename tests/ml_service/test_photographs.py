import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings

CORRECTIONS = Path(__file__).parents[2] / "models/muffin-v-chihuahua/corrections.csv"
PHOTOS = Path(os.environ.get("PHOTOS_DIR", ""))

pytestmark = pytest.mark.needs("photographs", "tensorflow")


@pytest.fixture(scope="module")
def predictor(default_bundle: ModelBundle) -> Predictor:
    return load_predictor(default_bundle, "onnxruntime", threads=2)


def test_the_default_model_tells_a_chihuahua_from_a_muffin_on_photographs_it_has_not_seen(
    predictor: Predictor,
) -> None:
    from muffin_v_chihuahua_ml_service.training.judging.evaluate import evaluate  # noqa: PLC0415 - it needs the extra
    from muffin_v_chihuahua_ml_service.training.judging.measures import Scope  # noqa: PLC0415

    scope = Scope(behaviour=0, latency=0, between=("chihuahua", "muffin"), corrections=CORRECTIONS)
    measured = evaluate(predictor, [PHOTOS / "full", PHOTOS / "thumbnails"], scope).measures

    assert measured["between"]["pictures"] > 800
    assert measured["between"]["accuracy"] >= 0.995
    assert measured["all"]["ece"] <= 0.02
    promised = predictor.bundle.manifest.metrics["folders"]
    for folder, found in measured["folders"].items():
        assert found["pictures"] == promised[folder]["pictures"]
        assert found["accuracy"] == pytest.approx(promised[folder]["accuracy"], abs=0.002)


def test_http_and_the_command_line_give_the_same_answers(
    predictor: Predictor, command: Callable[..., Any], until: Callable[[Callable[[], bool]], None]
) -> None:
    photographs = [path for folder in sorted(PHOTOS.glob("*/*")) for path in sorted(folder.iterdir())[:4]]

    printed = command("predict", *photographs, "--model", predictor.bundle.folder, "--engine", "onnxruntime")
    with TestClient(create_app(Settings(), lambda: predictor)) as client:
        until(lambda: client.get("/").is_success)
        answers = [client.post("/predict", content=path.read_bytes()).json() for path in photographs]

    assert len(photographs) == 20
    assert printed.out.splitlines() == [
        f"{path}: {in_words(answer)}" for path, answer in zip(photographs, answers, strict=True)
    ]


def test_500_photographs_get_the_same_answers_as_in_training_within_what_the_engine_states(
    default_bundle: ModelBundle, until: Callable[[Callable[[], bool]], None]
) -> None:
    """The service as it starts by default, batches and all, against the network in TensorFlow."""
    paths = sorted(PHOTOS.glob("*/*/*"))
    paths = paths[:: len(paths) // 500][:500]
    pictures = [path.read_bytes() for path in paths]
    fastest = load_predictor(default_bundle, threads=1, streams=2)
    reference = load_predictor(default_bundle, "tensorflow", threads=2)
    settings = Settings(max_wait_ms=600_000, timeout_ms=600_000)
    with TestClient(create_app(settings, lambda: fastest)) as client, ThreadPoolExecutor(8) as callers:
        until(lambda: client.get("/").is_success)
        served = list(callers.map(lambda data: client.post("/predict", content=data).json(), pictures))

    told, other_verdicts = [], []
    for answer, data in zip(served, pictures, strict=True):
        training = reference.predict(data)
        expected = {each.label: each.probability for each in training.predictions}
        worst = max(abs(each["probability"] - expected[each["label"]]) for each in answer["predictions"])
        told.append(worst)
        first, second = training.predictions[:2]
        if answer["verdict"] != training.verdict and first.probability - second.probability > 2 * worst:
            other_verdicts.append((answer, training))
    assert len(told) == 500
    assert max(told) <= fastest.tolerance
    # A winner that leads by more can lose only where its probability is near its label's threshold.
    thresholds = default_bundle.manifest.calibration.thresholds
    assert all(
        abs(training.predictions[0].probability - thresholds[training.predictions[0].label].at_least)
        <= fastest.tolerance
        for _, training in other_verdicts
    )


def in_words(answer: Any) -> str:
    classes = (f"{each['label']} {each['probability']:.4f}" for each in answer["predictions"])
    return f"{answer['verdict']} ({', '.join(classes)})"
