"""What the service says of its model and of itself, and what the pages about them make of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from streamlit.testing.v1 import AppTest
from tests.contract.test_contract import is_ready, served

from muffin_v_chihuahua import streamlit_app
from muffin_v_chihuahua.facts import measured_by
from muffin_v_chihuahua.inference_client import InferenceClient, Rejected
from muffin_v_chihuahua.measures import CALIBRATION, METRICS, TRAINING

Until = Callable[[Callable[[], bool]], None]

METRICS_OF_IT: dict[str, Any] = {
    "all": {"pictures": 10, "accuracy": 0.9, "accuracy_interval": [0.6, 0.98], "confusion": [[5, 0], [1, 4]]},
    "between": None,
}
TRAINING_OF_IT = {"pictures": {"train": 100}, "seed": 0}


@pytest.fixture
def client(make_app: Callable[..., FastAPI], until: Until) -> Iterator[InferenceClient]:
    manifest = {"metrics": METRICS_OF_IT, "training": TRAINING_OF_IT}
    with served(make_app(manifest=manifest), until) as client:
        until(lambda: is_ready(client))
        yield client


def test_the_page_understands_what_the_service_says_of_its_model(client: InferenceClient) -> None:
    model = client.model()

    assert (model.name, model.version, model.labels) == ("fake-model", "9.9.9", ("blue", "red"))
    assert (model.engine, model.precision) == ("litert", "f32")
    assert model.digest.startswith("sha256:")
    assert datetime.now(UTC) - model.loaded_at < timedelta(minutes=1)
    assert model.card == "# fake"
    assert model.limits.formats == ("JPEG", "PNG", "WEBP", "GIF", "BMP")
    assert model.last_failure is None
    measures = METRICS.validate_python(model.metrics).all
    assert (measures.accuracy, measures.confusion) == (0.9, ((5, 0), (1, 4)))
    assert CALIBRATION.validate_python(model.calibration).thresholds["red"].at_least == 0.6
    assert TRAINING.validate_python(model.training).pictures == {"train": 100}


def test_the_page_understands_what_the_service_has_counted(client: InferenceClient, red: bytes) -> None:
    client.predict(red, "rex.png")
    with pytest.raises(Rejected):
        client.predict(b"no picture", "rex.png")

    now = measured_by(client)

    assert now.requests == 2
    assert now.statuses == {"200": 1, "400": 1}
    assert now.latency.count == 1
    assert now.stages.keys() == {"read", "decode", "queue", "inference", "postprocess"}
    assert now.verdicts == {"red": 1}
    assert now.errors["not_a_picture"] == 1
    assert (now.pictures, now.batches, now.waiting) == (1, 1, 0)
    assert now.began is not None
    assert now.began < datetime.now(UTC)
    assert (now.memory or 0) > 1_000_000
    assert (now.load_s or 0) > 0


def test_both_pages_are_drawn_from_what_the_service_sends(
    client: InferenceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_HOST", client.base_url)
    app = AppTest.from_file(str(streamlit_app.__file__), default_timeout=20).run()

    drawn = {path: _drawn(app, path) for path in ("model", "service")}

    assert "90.0% (60.0% to 98.0%)" in drawn["model"]
    assert "The service is up. It began on" in drawn["service"]
    assert all("fake-model 9.9.9" in words for words in drawn.values())


def _drawn(app: AppTest, path: str) -> str:
    # AppTest.switch_page knows pages that are files; ours are functions, found by their address
    pages = app._registered_pages.values()
    app._page_hash = next(page["page_script_hash"] for page in pages if page["url_pathname"] == path)
    app.run()
    assert not app.exception
    html = [element.proto.body for element in app.get("html")]
    others = [str(each.value) for kind in (app.header, app.success) for each in kind]
    return "\n".join([*html, *others]).replace("\\", "")
