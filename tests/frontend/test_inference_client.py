import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from urllib3.util import connection

from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import (
    InferenceClient,
    InferenceError,
    Rejected,
    ServiceBusy,
    ServiceNotReady,
    ServiceTimeout,
    ServiceUnreachable,
    UnexpectedAnswer,
)
from muffin_v_chihuahua.wire import Model, Score

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService, Reply


@pytest.fixture
def client(service: "FakeService") -> Iterator[InferenceClient]:
    with new_session() as session:
        yield InferenceClient(session, service.url, timeout_s=0.3)


def failure_of(client: InferenceClient, kind: type[InferenceError]) -> str:
    with pytest.raises(InferenceError) as caught:
        client.predict(b"", "rex.jpg")
    assert type(caught.value) is kind
    return str(caught.value)


def test_a_prediction_comes_with_everything_that_the_page_draws(client: InferenceClient) -> None:
    prediction = client.predict(b"picture", "rex.jpg")
    assert prediction.verdict == "chihuahua"
    assert prediction.predictions[0] == Score("chihuahua", 0.983)
    assert [score.label for score in prediction.predictions] == ["chihuahua", "muffin", "other"]
    assert prediction.model == Model("fake-model", "9.9.9", "sha256:00")
    assert prediction.timings_ms == {"decode": 1.9, "queue": 0.2, "inference": 6.1}
    assert prediction.prediction_id.startswith("01K")
    assert prediction.is_sure


def test_the_picture_is_sent_as_it_is_with_its_name(client: InferenceClient, service: "FakeService") -> None:
    client.predict(b"\x00\xff\r\n--", 'r"é x.jpg')
    (asked,) = service.asked
    assert asked.line == "POST /predict HTTP/1.1"
    assert asked.picture == b"\x00\xff\r\n--"
    assert asked.filename.endswith("x.jpg")


def test_the_service_is_told_how_long_somebody_waits(client: InferenceClient, service: "FakeService") -> None:
    client.predict(b"", "rex.jpg")
    assert service.asked[0].headers["X-Request-Timeout-Ms"] == "300"


def test_a_path_in_the_address_goes_before_every_call(service: "FakeService") -> None:
    with new_session() as session:
        InferenceClient(session, f"{service.url}/prefix").health()
    assert service.asked[0].line == "GET /prefix/ HTTP/1.1"


def test_health_says_which_model_is_there(client: InferenceClient) -> None:
    assert client.health().model == Model("fake-model", "9.9.9", "sha256:00")


def test_a_verdict_that_is_not_the_best_class_is_not_sure(
    client: InferenceClient, service: "FakeService"
) -> None:
    service.reply = service.prediction({"muffin": 0.5, "chihuahua": 0.4}, verdict="unsure")
    assert not client.predict(b"", "rex.jpg").is_sure


def test_a_little_over_one_is_still_a_probability(client: InferenceClient, service: "FakeService") -> None:
    service.reply = service.prediction({"muffin": 1.0000001})
    prediction = client.predict(b"", "rex.jpg")
    assert prediction.is_sure
    assert prediction.winner.probability == 1


def test_a_service_that_is_not_there_is_unreachable(client: InferenceClient, service: "FakeService") -> None:
    service.stop()
    sentence = failure_of(client, ServiceUnreachable)
    service.start()
    assert sentence == f"The prediction service at {service.url} cannot be reached."


def test_a_host_that_nobody_knows_is_unreachable() -> None:
    with new_session() as session:
        client = InferenceClient(session, "http://nowhere.invalid:8000")
        assert "http://nowhere.invalid:8000" in failure_of(client, ServiceUnreachable)


def test_a_get_that_was_cut_off_is_tried_again(client: InferenceClient, service: "FakeService") -> None:
    service.replies = [service.raw(0, hang_up=True)] * 2
    assert client.health().model.name == "fake-model"
    assert len(service.asked) == 3


def test_a_get_that_is_cut_off_every_time_is_given_up(
    client: InferenceClient, service: "FakeService"
) -> None:
    service.is_broken(service.raw(0, hang_up=True))
    with pytest.raises(ServiceUnreachable, match=service.url):
        client.health()
    assert len(service.asked) == 3


POSTS = {
    "predict": lambda client: client.predict(b"picture", "rex.jpg"),
    "explain": lambda client: client.explain(b"picture", "rex.jpg"),
    "feedback": lambda client: client.give_feedback("01K0", "muffin"),
}
each_post = pytest.mark.parametrize("post", POSTS.values(), ids=POSTS)


@each_post
@pytest.mark.parametrize(
    "cut", [{"hang_up": True}, {"headers": {"Content-Length": "1000"}}], ids=["before", "within"]
)
def test_a_post_that_was_cut_off_is_not_sent_again_for_it_may_have_been_recorded(
    client: InferenceClient,
    service: "FakeService",
    post: Callable[[InferenceClient], object],
    cut: dict[str, Any],
) -> None:
    service.is_broken(service.raw(200, b"{", **cut))
    with pytest.raises(InferenceError, match=service.url):
        post(client)
    assert len(service.asked) == 1


@each_post
@pytest.mark.parametrize("status", [429, 503])
def test_a_post_that_was_turned_away_is_not_sent_again_here_for_the_batch_waits(
    client: InferenceClient, service: "FakeService", post: Callable[[InferenceClient], object], status: int
) -> None:
    service.is_broken(service.refusal(status, "Come back."))
    with pytest.raises((ServiceBusy, ServiceNotReady)):
        post(client)
    assert len(service.asked) == 1


def test_a_post_that_could_not_connect_is_tried_again(
    client: InferenceClient, service: "FakeService", monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    connect = connection.create_connection

    def refused_twice(*args: Any, **kwargs: Any) -> socket.socket:
        tried.append(args)
        if len(tried) <= 2:
            raise ConnectionRefusedError
        return connect(*args, **kwargs)

    monkeypatch.setattr(connection, "create_connection", refused_twice)
    assert client.predict(b"picture", "rex.jpg").is_sure
    assert len(tried) == 3
    assert len(service.asked) == 1


def test_a_slow_service_is_not_asked_again(client: InferenceClient, service: "FakeService") -> None:
    service.reply = service.raw(200, after_s=30)
    assert "too long" in failure_of(client, ServiceTimeout)
    assert len(service.asked) == 1


def test_a_port_where_nobody_answers_is_too_slow() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, new_session() as session:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert url in failure_of(InferenceClient(session, url, timeout_s=0.1), ServiceTimeout)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Rejected),
        (404, Rejected),
        (413, Rejected),
        (415, Rejected),
        (422, Rejected),
        (429, ServiceBusy),
        (500, UnexpectedAnswer),
        (503, ServiceNotReady),
        (504, ServiceTimeout),
    ],
)
def test_each_status_of_the_contract_is_its_own_error_with_the_services_sentence(
    client: InferenceClient, service: "FakeService", status: int, kind: type[InferenceError]
) -> None:
    service.reply = service.refusal(status, "Because of {this}.")
    sentence = failure_of(client, kind)
    assert sentence.endswith("Because of {this}.")
    assert (service.url in sentence) == (kind is not Rejected)
    assert len(service.asked) == 1


def test_a_rejection_carries_its_code_and_the_requests_id(
    client: InferenceClient, service: "FakeService"
) -> None:
    service.reply = service.refusal(415, "No.")
    with pytest.raises(Rejected) as caught:
        client.predict(b"", "rex.jpg")
    assert (caught.value.code, caught.value.request_id) == ("some_code", "r-1")


@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_proxy_may_say_the_same_with_a_page(
    client: InferenceClient, service: "FakeService", status: int
) -> None:
    service.reply = service.raw(status, b"<html>proxy</html>")
    with pytest.raises(InferenceError) as caught:
        client.predict(b"", "rex.jpg")
    assert not isinstance(caught.value, UnexpectedAnswer)
    assert "<html>" not in str(caught.value)


GOOD = {
    "prediction_id": "1",
    "verdict": "a",
    "predictions": [{"label": "a", "probability": 1}],
    "model": {"name": "m", "version": "1"},
    "timings_ms": {},
}


@pytest.mark.parametrize(
    "change",
    [
        {"predictions": []},
        {"predictions": {"a": 1}},
        {"predictions": [{"label": "a"}]},
        {"predictions": [{"label": "a", "probability": "high"}]},
        {"predictions": [{"label": "a", "probability": 98.3}]},
        {"predictions": [{"label": "a", "probability": -0.1}]},
        {"predictions": [{"label": "a", "probability": float("nan")}]},
        {"verdict": None},
        {"model": "m"},
        {"timings_ms": {"decode": "quick"}},
    ],
)
def test_an_answer_of_another_shape_is_unexpected(
    client: InferenceClient, service: "FakeService", change: dict[str, object]
) -> None:
    service.reply = service.as_json(200, GOOD | change)
    assert service.url in failure_of(client, UnexpectedAnswer)


def test_more_than_the_page_knows_of_is_no_harm(client: InferenceClient, service: "FakeService") -> None:
    service.reply = service.as_json(200, GOOD | {"heat_map": "…"})
    assert client.predict(b"", "rex.jpg").verdict == "a"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"detail": "x"}', b"\xff\xfe", b"{"])
@pytest.mark.parametrize("status", [200, 201, 302, 404, 405, 418, 500, 502])
def test_whatever_else_comes_is_unexpected(
    client: InferenceClient, service: "FakeService", status: int, body: bytes
) -> None:
    service.is_broken(service.raw(status, body, headers={"Location": "/elsewhere"}))
    assert service.url in failure_of(client, UnexpectedAnswer)
    with pytest.raises(UnexpectedAnswer):
        client.health()
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Length": "-5"}, {"Transfer-Encoding": "chunked"}]
)
def test_an_answer_that_cannot_be_unpacked_is_one_of_the_known_errors(
    client: InferenceClient, service: "FakeService", headers: dict[str, str]
) -> None:
    service.reply = service.raw(200, b"no such thing", headers=headers)
    with pytest.raises(InferenceError, match=service.url):
        client.predict(b"", "rex.jpg")


def test_no_cookie_of_one_visitor_is_sent_for_the_next(
    client: InferenceClient, service: "FakeService"
) -> None:
    answer: Reply = service.reply
    service.reply = service.raw(200, answer.body, headers={"Set-Cookie": "who=one"})
    client.predict(b"", "one.jpg")
    client.predict(b"", "two.jpg")
    assert "Cookie" not in service.asked[1].headers


def test_many_threads_may_share_one_client(client: InferenceClient, service: "FakeService") -> None:
    names = [f"{number}.jpg" for number in range(40)]
    service.by_filename = {name: service.prediction({name: 1}) for name in names}
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda name: client.predict(b"", name).verdict, names))
    assert verdicts == names
