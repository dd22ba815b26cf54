from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from tests.frontend.conftest import DESCRIPTION

from muffin_v_chihuahua.views import times

if TYPE_CHECKING:
    from tests.frontend.conftest import Broken, FakeService, Reply, Visitor

EXPOSITION = Path(__file__).with_name("metrics.txt").read_text()
PREDICTED = 'mvc_predictions_total{{label="{}",model_name="muffin-v-chihuahua",model_version="2.0.0"}} {}\n'
COUNT = (
    'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",'
    'http_route="/predict"} 12.0'
)


@pytest.fixture(autouse=True)
def _it_shows_its_numbers(service: "FakeService") -> None:
    shows(service, EXPOSITION)


def shows(service: "FakeService", text: str) -> None:
    service.by_path["/metrics"] = service.raw(200, text.encode())


def page_of(visitor: "Visitor") -> str:
    """All that is written on the page about the service."""
    return written(visitor.sees_the_page().goes_to("service"))


def written(visitor: "Visitor") -> str:
    page = visitor.app
    html = [element.proto.body for element in page.get("html") if "<style>" not in element.proto.body]
    others = [str(each.value) for kind in (page.success, page.subheader) for each in kind]
    metrics = [f"{metric.label}: {metric.value}" for metric in page.metric]
    return "\n".join([visitor.words, *others, *html, *metrics]).replace("\\", "")


def test_the_page_says_that_the_service_is_up_and_since_when(visitor: "Visitor") -> None:
    words = page_of(visitor)
    assert "The service is up. It began on Nov 21, 2026, 11:02:04" in words.replace("\u202f", " ")
    for said in ("fake-model 9.9.9", "fake, f32", "9.1 s", "again every 2 seconds"):
        assert said in words


def test_the_page_draws_what_the_service_has_counted(visitor: "Visitor") -> None:
    words = page_of(visitor)
    for said in (
        "Requests: 13",
        "Each second: -",
        "Waiting: 0",
        "In a batch: 1.0",
        "Memory: 423 MB",
        "The whole request</span> <span>half 13.8 ms · 95 of 100 ",
        "Unpack the picture",
        "muffin</span> <span>6 · 50.0%",
        "200 OK</span> <span>12 · 92.3%",
        "This is not a picture in one of the formats that the service takes.</span> <span>1 · 16.7%",
        "Nobody was turned away.",
    ):
        assert said in words
    assert (
        words.index("Read what is sent") < words.index("Wait for the model") < words.index("Write the answer")
    )


def test_at_the_second_look_there_are_curves_and_their_table(
    visitor: "Visitor", service: "FakeService"
) -> None:
    page_of(visitor)
    for count in (14, 20):
        shows(service, EXPOSITION.replace(COUNT, COUNT.replace("12.0", str(count))))
        visitor.sees_the_page()
    assert [len(metric.proto.chart_data) for metric in visitor.app.metric] == [2, 2, 0, 2, 0, 2]
    assert list(visitor.app.metric[0].proto.chart_data) == [2, 8]
    assert list(visitor.app.dataframe[0].value["Requests"]) == ["6", "2"]
    assert not visitor.app.metric[1].value.startswith("-")


def test_percentiles_are_those_of_the_last_minutes_where_something_came(
    visitor: "Visitor", service: "FakeService"
) -> None:
    bucket = COUNT.replace("_count{", "_bucket{").removesuffix("} 12.0")
    lines = [
        f'{bucket},le="{bound}"}} {count}'
        for bound, count in ((0.005, 12), (0.01, 12), (0.025, 12), (0.05, 12), (1.0, 22), ("+Inf", 22))
    ]
    kept = [line for line in EXPOSITION.splitlines() if not line.startswith(bucket)]
    now = "\n".join([*kept, *lines]) + "\n"
    shows(service, now.replace(" 22", " 12"))
    page_of(visitor)
    shows(service, now)
    words = written(visitor.sees_the_page())
    assert "In the last minutes, 10 pictures: half 525.0 ms" in words
    assert "95 of 100 in: 952.5 ms" in words


def test_a_service_that_began_again_counts_from_zero(visitor: "Visitor", service: "FakeService") -> None:
    page_of(visitor)
    shows(service, EXPOSITION.replace(COUNT, COUNT.replace("12.0", "3")))
    visitor.sees_the_page()
    assert list(visitor.app.dataframe[0].value["Requests"]) == ["4"]


def test_what_was_turned_away_is_said_in_words(visitor: "Visitor", service: "FakeService") -> None:
    shows(service, 'mvc_rejected_total{reason="wait"} 3\nmvc_rejected_total{reason="full moon"} 1\n')
    words = page_of(visitor)
    assert "would have waited too long</span> <span>3 · 75.0%" in words
    assert "full moon</span> <span>1 · 25.0%" in words
    assert "No picture was predicted yet." in words
    assert "How long it takes" not in words


def test_a_status_that_nobody_got_and_one_that_nobody_knows_have_words_too(
    visitor: "Visitor", service: "FakeService"
) -> None:
    shows(service, "".join(COUNT.replace('"200"', f'"{status}"') + "\n" for status in ("", 299)))
    words = page_of(visitor)
    assert "The caller had left</span>" in words
    assert "<span>299</span>" in words


def test_of_a_thousand_classes_the_most_frequent_are_drawn(
    visitor: "Visitor", service: "FakeService"
) -> None:
    shows(service, "".join(PREDICTED.format(f"class {n}", 1000 - n) for n in range(1000)))
    words = page_of(visitor)
    assert words.count("class ") == 10
    assert "All others</span> <span>490,545 · 98.0%" in words


def test_a_stage_that_this_page_does_not_know_keeps_its_name(
    visitor: "Visitor", service: "FakeService"
) -> None:
    shows(service, EXPOSITION.replace('stage="queue"', 'stage="<b>"'))
    words = page_of(visitor)
    assert words.index("Write the answer") < words.index("&lt;b&gt;")


@pytest.mark.parametrize("text", ["", "# nothing\n", "other_total 3\n", EXPOSITION.replace(" ", " NaN #", 0)])
def test_an_exposition_of_nothing_that_is_known_leaves_a_page(
    visitor: "Visitor", service: "FakeService", text: str
) -> None:
    shows(service, text)
    assert "The service is up." in page_of(visitor)


def test_numbers_that_are_none_are_left_out(visitor: "Visitor", service: "FakeService") -> None:
    lines = [
        line if line.startswith("#") else line.rpartition(" ")[0] + " NaN" for line in EXPOSITION.splitlines()
    ]
    shows(service, "\n".join(lines) + "\n")
    words = page_of(visitor)
    assert "This page has seen it up since" in words
    for said in ("Requests: 0", "95 of 100 in: -", "Waiting: -", "Memory: -"):
        assert said in words


@pytest.mark.parametrize(
    ("reply_of", "said"),
    [
        (lambda service: service.raw(200, b"<html>proxy</html>"), "Its numbers make no sense here."),
        (lambda service: service.refusal(404, "There is nothing here."), "There is nothing here."),
        (lambda service: service.raw(500, b"oh"), "status 500"),
    ],
)
def test_a_service_that_keeps_its_numbers_to_itself_is_up_all_the_same(
    visitor: "Visitor", service: "FakeService", reply_of: Callable[["FakeService"], "Reply"], said: str
) -> None:
    service.by_path["/metrics"] = reply_of(service)
    words = page_of(visitor)
    assert said in words
    assert "This page has seen it up since" in words
    assert "fake-model 9.9.9" in words


def test_a_service_that_does_not_describe_its_model_shows_its_numbers_all_the_same(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.by_path["/model"] = service.raw(500)
    words = page_of(visitor)
    assert "The service is up." in words
    assert "Requests: 13" in words


def test_why_the_last_load_failed_is_said(visitor: "Visitor", service: "FakeService") -> None:
    service.by_path["/model"] = service.as_json(
        200, DESCRIPTION | {"last_failure": "model.tflite: *damaged*."}
    )
    assert "The last model that was to be loaded could not be: model.tflite: *damaged*." in page_of(visitor)


def test_a_service_that_loads_its_model_is_not_ready_but_shows_its_numbers(
    visitor: "Visitor", service: "FakeService"
) -> None:
    loading = service.refusal(503, "The model is still loading.")
    service.by_path |= {"/": loading, "/model": loading}
    words = page_of(visitor)
    assert "not ready yet. The model is still loading." in words
    assert "This page has seen it like this since" in words
    assert "Memory: 423 MB" in words
    assert "is up" not in words


def test_a_service_that_stops_is_down_since_then_and_recovers_by_itself(
    visitor: "Visitor", service: "FakeService"
) -> None:
    page_of(visitor)
    before = datetime.now(UTC).replace(microsecond=0)
    service.stop()
    words = written(visitor.sees_the_page())
    since = visitor.app.session_state["service_history"]._since  # nothing on the page has fractions
    assert "cannot be reached" in words
    assert before <= since <= datetime.now(UTC)
    assert "It goes on asking" in words
    assert not visitor.app.button
    visitor.sees_the_page()
    assert visitor.app.session_state["service_history"]._since == since
    service.start()
    assert "The service is up." in written(visitor.sees_the_page())


def test_whatever_the_service_answers_the_page_says_it_in_words(
    visitor: "Visitor", service: "FakeService", broken: "Broken"
) -> None:
    before = dict(service.by_path)
    service.is_broken(broken.reply)
    assert broken.words in page_of(visitor)
    service.by_path = before
    assert "The service is up." in written(visitor.sees_the_page())


@pytest.mark.parametrize(("minutes_behind", "hour"), [(None, "11:02"), (-60, "12:02"), (300, "6:02")])
def test_a_moment_is_shown_by_the_visitors_clock(
    monkeypatch: pytest.MonkeyPatch, minutes_behind: int | None, hour: str
) -> None:
    class Context:
        timezone_offset = minutes_behind
        locale = "en"

    monkeypatch.setattr(st, "context", Context())
    assert f", {hour}:04" in times.local(datetime(2026, 11, 21, 11, 2, 4, tzinfo=UTC))
