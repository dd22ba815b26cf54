from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings

Make = Callable[..., Predictor]
Until = Callable[[Callable[[], bool]], None]

KEY = "schlüssel"


def authorisation(value: str) -> dict[bytes, bytes]:
    """The header, with letters that are not ASCII as UTF-8, which is how curl sends them."""
    return {b"Authorization": value.encode()}


AUTHORISED = authorisation(f"Bearer {KEY}")


class Source:
    """Loads a model of another version each time, until it is told to fail."""

    def __init__(self, make_predictor: Make) -> None:
        self._make = make_predictor
        self._loads = 0
        self.fails = False

    def __call__(self) -> Predictor:
        if self.fails:
            raise InvalidBundle("/srv/folds/model.onnx: is not the file that the manifest lists.")
        self._loads += 1
        return self._make(manifest={"version": f"{self._loads}.0.0"})


@pytest.fixture
def source(make_predictor: Make) -> Source:
    return Source(make_predictor)


@pytest.fixture
def told() -> list[str]:
    """What the other processes have been told."""
    return []


@pytest.fixture
def admin(source: Source, told: list[str], until: Until) -> Iterator[TestClient]:
    """The service, with a key."""
    app = create_app(Settings(admin_key=SecretStr(KEY)), source, tell_others=told.append)
    with TestClient(app, raise_server_exceptions=False) as client:
        until(lambda: client.get("/").is_success)
        yield client


@pytest.mark.parametrize("path", ["/admin/reload", "/admin/rollback"])
def test_without_a_key_that_is_set_there_is_nothing(client: TestClient, path: str) -> None:
    unknown = client.post("/admin/anything", headers=AUTHORISED)
    response = client.post(path, headers=AUTHORISED)

    assert response.status_code == unknown.status_code == 404
    assert response.json()["code"] == unknown.json()["code"]
    assert path not in client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize("path", ["/admin/reload", "/admin/rollback"])
@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        KEY,
        f"Basic {KEY}",
        "Bearer",
        "Bearer ",
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        "Bearer schlussel",
    ],
)
def test_without_the_key_nothing_happens(
    admin: TestClient, told: list[str], path: str, sent: str | None
) -> None:
    response = admin.post(path, headers={} if sent is None else authorisation(sent))

    assert (response.status_code, response.json()["code"]) == (401, "not_authorised")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert admin.get("/").json()["model"]["version"] == "1.0.0"
    assert told == []


def test_both_are_documented_with_their_refusals(admin: TestClient) -> None:
    paths = admin.get("/openapi.json").json()["paths"]

    assert paths["/admin/reload"]["post"]["responses"].keys() == {"200", "401", "502"}
    assert paths["/admin/rollback"]["post"]["responses"].keys() == {"200", "401", "409"}
    assert paths["/admin/reload"]["post"]["security"] == [{"HTTPBearer": []}]


def test_a_reload_and_a_rollback_say_what_answers_now_and_tell_the_others(
    admin: TestClient, told: list[str]
) -> None:
    reloaded = admin.post("/admin/reload", headers=AUTHORISED).json()
    rolled_back = admin.post("/admin/rollback", headers=AUTHORISED).json()

    assert [reloaded[each]["version"] for each in ("model", "previous")] == ["2.0.0", "1.0.0"]
    assert reloaded["model"].keys() == {"name", "version", "digest"}
    assert rolled_back == {"model": reloaded["previous"], "previous": None}
    assert told == ["reload", "rollback"]


def test_a_reload_that_fails_says_why_and_changes_nothing(
    admin: TestClient, source: Source, told: list[str]
) -> None:
    source.fails = True

    response = admin.post("/admin/reload", headers=AUTHORISED)

    assert (response.status_code, response.json()["code"]) == (502, "reload_failed")
    assert response.json()["error"] == "model.onnx: is not the file that the manifest lists."
    assert admin.get("/").json()["model"]["version"] == "1.0.0"
    assert told == []


def test_a_rollback_to_nothing_is_refused(admin: TestClient, told: list[str]) -> None:
    response = admin.post("/admin/rollback", headers=AUTHORISED)

    assert (response.status_code, response.json()["code"]) == (409, "nothing_to_roll_back_to")
    assert told == []
