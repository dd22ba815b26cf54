from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, MLServiceError, SourceUnreachable
from muffin_v_chihuahua_ml_service.model.bundle import CARD
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings

Make = Callable[..., Predictor]
Until = Callable[[Callable[[], bool]], None]


def described(client: TestClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/model").raise_for_status().json()
    return answer


def reload(client: TestClient, load: Callable[[], Predictor]) -> None:
    assert client.portal
    client.portal.call(client.app_state["service"].models.reload, load)


def test_the_model_is_described_as_its_manifest_has_it(start: Callable[..., TestClient]) -> None:
    client = start(manifest={"metrics": {"accuracy": 0.99}, "training": {"pictures": {"train": 12}}})
    manifest = client.app_state["service"].models.current.predictor.bundle.manifest

    answer = described(client)

    assert (answer["name"], answer["version"]) == ("fake-model", "9.9.9")
    assert answer["digest"].startswith("sha256:")
    assert answer["description"] == "Tells red from blue without a network."
    assert answer["labels"] == ["blue", "red"]
    assert answer["input"] == manifest.preprocessing.model_dump(mode="json")
    assert answer["calibration"] == manifest.calibration.model_dump(mode="json")
    assert answer["metrics"] == {"accuracy": 0.99}
    assert answer["training"] == {"pictures": {"train": 12}}
    assert answer["card"] == "# fake"


def test_how_the_model_is_run_and_since_when_is_said_too(client: TestClient) -> None:
    answer = described(client)

    assert (answer["engine"], answer["precision"], answer["streams"]) == ("litert", "f32", 1)
    assert 0 <= (datetime.now(UTC) - datetime.fromisoformat(answer["loaded_at"])).total_seconds() < 60
    assert (answer["previous"], answer["last_failure"]) == (None, None)


def test_what_a_picture_may_be_is_said_before_somebody_sends_one(start: Callable[..., TestClient]) -> None:
    client = start(max_picture_bytes=1000, max_picture_pixels=640)

    assert described(client)["limits"] == {
        "picture_bytes": 1000,
        "pixels": 640,
        "formats": ["JPEG", "PNG", "WEBP", "GIF", "BMP"],
    }


@pytest.mark.parametrize(("has_maps", "expected"), [(True, "cam"), (False, "occlusion")])
def test_it_is_said_how_answers_are_explained(
    start: Callable[..., TestClient], *, has_maps: bool, expected: str
) -> None:
    client = start(manifest={"activation_maps": {"head": "head.npy"}} if has_maps else {})

    assert described(client)["explanation"] == expected


def test_after_a_reload_the_one_before_is_named_and_after_a_rollback_it_is_back(
    client: TestClient, make_predictor: Make
) -> None:
    before = described(client)
    reload(client, lambda: make_predictor(manifest={"version": "10.0.0"}))
    after = described(client)
    assert client.portal
    client.portal.call(client.app_state["service"].models.rollback)

    assert after["version"] == "10.0.0"
    assert after["previous"] == {key: before[key] for key in ("name", "version", "digest")}
    assert after["loaded_at"] > before["loaded_at"]
    # the reload wrote its bundle over the first one's, with the card that both have
    assert described(client) == before


def test_a_load_that_failed_is_told_until_another_one_goes_well(
    client: TestClient, make_predictor: Make
) -> None:
    def fail() -> Predictor:
        raise InvalidBundle("model.json: the reason.")

    with pytest.raises(MLServiceError):
        reload(client, fail)
    failed = described(client)
    reload(client, make_predictor)

    assert (failed["last_failure"], failed["version"]) == ("model.json: the reason.", "9.9.9")
    assert described(client)["last_failure"] is None


UNREACHABLE = "https://models.internal:8443/folds/model.json: cannot be reached (no way to models.internal)."


@pytest.mark.parametrize("error", [SourceUnreachable(UNREACHABLE), KeyError(UNREACHABLE)])
def test_callers_are_not_told_from_where_a_model_could_not_be_had_and_the_log_is(
    client: TestClient, until: Until, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail() -> Predictor:
        raise error

    with pytest.raises(MLServiceError):
        reload(client, fail)
    with TestClient(create_app(Settings(), fail)) as without_model:
        until(lambda: "could not be loaded" in without_model.get("/").text)
        refused = without_model.get("/model").json()["error"]
    told = described(client)["last_failure"]

    foreseen = isinstance(error, SourceUnreachable)
    assert told == ("model.json: cannot be reached." if foreseen else "an error that nobody foresaw")
    assert refused == f"The model could not be loaded: {told}"
    assert "models.internal:8443/folds" in caplog.text


@pytest.mark.parametrize("change", ["changed", "deleted", "never there"])
def test_a_card_that_is_not_the_bundles_is_not_shown(client: TestClient, change: str) -> None:
    bundle = client.app_state["service"].models.current.predictor.bundle
    if change == "changed":
        (bundle.folder / CARD).write_text("# another bundle's")
    elif change == "deleted":
        (bundle.folder / CARD).unlink()
    else:
        del bundle.manifest.files[CARD]

    assert described(client)["card"] is None


def test_while_there_is_no_model_there_is_nothing_to_describe(until: Until) -> None:
    def fail() -> Predictor:
        raise InvalidBundle("model.json: the reason.")

    with TestClient(create_app(Settings(), fail)) as client:
        until(lambda: "the reason" in client.get("/").text)
        response = client.get("/model")

    assert response.status_code == 503
    assert response.json()["code"] == "model_not_ready"
    assert "model.json: the reason." in response.json()["error"]
