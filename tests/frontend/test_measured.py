from datetime import UTC, datetime
from pathlib import Path

import pytest

from muffin_v_chihuahua.measured import Measured, NotMetrics, measured

EXPOSITION = Path(__file__).with_name("metrics.txt").read_text()
"""What a service with two workers showed after 13 requests."""


def test_a_services_exposition_is_understood() -> None:
    now = measured(EXPOSITION)
    assert now.requests == 13
    assert now.statuses == {"200": 12, "400": 1}
    assert now.latency.count == 12
    assert 0.005 < (now.latency.quantile(0.5) or 0) < (now.latency.quantile(0.99) or 0) < 0.05
    assert now.stages.keys() == {"read", "decode", "queue", "inference", "postprocess"}
    assert {stage.count for stage in now.stages.values()} == {12, 13}
    assert now.verdicts == {"chihuahua": 6, "muffin": 6}
    assert now.errors["not_a_picture"] == 1
    assert not now.rejected
    assert (now.pictures, now.batches) == (12, 12)
    assert (now.waiting, now.wait_s) == (0, 0)
    assert (now.memory or 0) > 100_000_000
    assert now.began is not None
    assert now.began.replace(microsecond=0) == datetime(2026, 11, 21, 11, 2, 4, tzinfo=UTC)
    assert now.load_s == pytest.approx(9.1, abs=0.1)


NOTHING_YET = measured("")


def test_of_an_empty_exposition_nothing_is_known() -> None:
    assert NOTHING_YET.requests == 0
    assert NOTHING_YET.latency.quantile(0.5) is None
    assert NOTHING_YET.waiting is None
    assert NOTHING_YET.began is None


def test_only_the_verdicts_of_the_model_that_answers_count() -> None:
    text = """
mvc_model_info{model_name="a",model_version="1",digest="x"} 0
mvc_model_info{model_name="a",model_version="2",digest="y"} 1
mvc_predictions_total{label="cat",model_name="a",model_version="1"} 9
mvc_predictions_total{label="dog",model_name="a",model_version="2"} 1
mvc_predictions_total{label="fox",model_name="a",model_version="2"} 2
"""
    assert list(measured(text).verdicts.items()) == [("fox", 2), ("dog", 1)]


def test_with_and_without_the_slash_it_is_the_same_route_and_others_are_not_timed() -> None:
    bucket = 'http_server_request_duration_seconds_bucket{{http_request_method="POST",http_route="{}",'
    status = 'http_response_status_code="{}",le="{}"}} 1\n'
    text = "".join(
        bucket.format(route) + status.format(code, le)
        for route, code in (("/predict", 200), ("/predict/", 200), ("/explain", 200), ("/predict", 429))
        for le in ("0.1", "+Inf")
    )
    assert measured(text).latency.counts == (2, 2)


def test_what_is_no_number_counts_as_not_said() -> None:
    now = measured("mvc_queue_depth NaN\nprocess_resident_memory_bytes +Inf\nmvc_rejected_total 3\n")
    assert (now.waiting, now.memory, now.rejected) == (None, None, {})


@pytest.mark.parametrize("seconds", ["0", "1e300", "-1e300"])
def test_a_beginning_that_never_was_counts_as_not_said(seconds: str) -> None:
    assert measured(f"process_start_time_seconds {seconds}\n").began is None


@pytest.mark.parametrize(
    "text",
    [
        "<html>proxy</html>",
        '{"a": 1}',
        'a{b="c" 1',
        "# TYPE x",
        (
            'http_server_request_duration_seconds_bucket{http_request_method="POST",http_route="/predict",'
            'http_response_status_code="200"} 1'
        ),
        (
            'mvc_request_stage_duration_seconds_count{stage="read"} 1\n'
            'mvc_request_stage_duration_seconds_bucket{stage="read",le="much"} 1'
        ),
    ],
)
def test_what_is_no_exposition_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotMetrics):
        measured(text)


def test_what_is_measured_never_changes() -> None:
    with pytest.raises(AttributeError):
        NOTHING_YET.requests = 3  # type: ignore[misc]
    assert isinstance(NOTHING_YET, Measured)
