"""Three classes that nobody had thought of, from a folder of pictures to the page, by the commands alone."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from streamlit.testing.v1 import AppTest

from muffin_v_chihuahua import streamlit_app
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings


@pytest.fixture
def address(
    command: Callable[..., Any],
    workshop: Any,
    pictures: Callable[..., Path],
    tmp_path: Path,
    until: Callable[[Callable[[], bool]], None],
) -> Any:
    """Where a service answers with what was learnt from 120 pictures of three colours."""
    data = pictures(tmp_path / "data", 40, seed=1, labels=("red", "green", "blue"))
    config = tmp_path / "training.yaml"
    config.write_text(
        f"{{backbone: {workshop.backbone}, fine_tuning: {{after: pooled, views: 1, epochs: 2}}, bank: 20}}"
    )
    source, bundle = tmp_path / "colours", tmp_path / "built"
    for line in (("train", data, "--out", source, "--config", config), ("build", source, "--out", bundle)):
        outcome = command(*line)
        assert outcome.status == 0, outcome.err
    predictor = load_predictor(open_bundle(str(bundle)), threads=1)
    app = create_app(Settings(), lambda: predictor)
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_new_classes_are_served_and_shown_without_a_change(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_HOST", address)
    monkeypatch.setenv("GALLERY_DIR", str(tmp_path / "data"))

    page = AppTest.from_file(str(streamlit_app.__file__), default_timeout=20).run()

    assert not page.exception
    words = "\n".join(str(each.value) for kind in (page.caption, page.markdown) for each in kind)
    assert "colours 0.1.0" in words.replace("\\", "")
    lists = [html.proto.body for html in page.get("html") if "mvc-bars" in html.proto.body]
    bars = [item for each in lists for item in each.split("<li")[1:]]
    assert len(bars) == 9
    assert all("🏆" in bar for bar in bars[::3])
    assert {label for bar in bars for label in ("red", "green", "blue") if f"{label}</span>" in bar} == {
        "red",
        "green",
        "blue",
    }
