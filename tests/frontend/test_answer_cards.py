"""What stands under a picture: why, and what it really is."""

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService, Visitor


@pytest.fixture
def remembering(service: "FakeService") -> "FakeService":
    """A service that takes feedback, and was told that it had been right."""
    service.by_path["/feedback"] = service.as_json(
        200, service.SUMMARY | {"prediction_id": "01K", "label": "chihuahua", "agrees": True}
    )
    return service


def told(service: "FakeService") -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in service.asked if asked.line.startswith("POST /feedback")]


def test_where_the_service_keeps_no_records_nobody_is_asked_what_it_really_was(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    assert not visitor.app.pills


def test_under_every_prediction_the_classes_are_buttons(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    visitor.sees_the_page()
    assert [pills.options for pills in visitor.app.pills] == [["chihuahua", "muffin", "other"]] * 3
    assert [pills.label for pills in visitor.app.pills] == ["What is it really?"] * 3
    assert told(remembering) == []


def test_what_the_visitor_says_is_told_once_with_the_predictions_id(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    visitor.sees_the_page()
    visitor.app.pills[1].set_value("chihuahua")
    visitor.sees_the_page().sees_the_page()
    (feedback,) = told(remembering)
    assert feedback["label"] == "chihuahua"
    assert feedback["prediction_id"].startswith("01K")
    assert "Noted: the model was right." in visitor.words


def test_another_class_is_told_too_and_thanked_for(visitor: "Visitor", remembering: "FakeService") -> None:
    visitor.sees_the_page()
    visitor.app.pills[0].set_value("chihuahua")
    visitor.sees_the_page()
    remembering.by_path["/feedback"] = remembering.as_json(
        200, remembering.SUMMARY | {"prediction_id": "01K", "label": "muffin", "agrees": False}
    )
    visitor.app.pills[0].set_value("muffin")
    visitor.sees_the_page()
    assert [feedback["label"] for feedback in told(remembering)] == ["chihuahua", "muffin"]
    assert "Noted: it is muffin." in visitor.words


def test_feedback_that_the_service_refuses_is_a_sentence_and_is_told_again(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    visitor.sees_the_page()
    remembering.by_path["/feedback"] = remembering.refusal(404, "There is no such prediction.")
    visitor.app.pills[0].set_value("muffin")
    visitor.sees_the_page().sees_the_page()
    assert "There is no such prediction." in visitor.words
    assert len(told(remembering)) == 2


def test_after_a_shuffle_nothing_is_said_about_the_new_pictures(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    visitor.sees_the_page()
    visitor.app.pills[0].set_value("muffin")
    visitor.sees_the_page().clicks("Shuffle")
    assert [pills.value for pills in visitor.app.pills] == [None] * 3
    assert len(told(remembering)) == 1


def test_of_a_thousand_classes_the_likely_ones_are_buttons_and_a_list_has_all(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    labels = [f"class {number}" for number in range(1000)]
    model = json.loads(remembering.by_path["/model"].body)
    remembering.by_path["/model"] = remembering.as_json(200, model | {"labels": labels})
    remembering.reply = remembering.prediction({"class 7": 0.6, "class 8": 0.3, "class 9": 0.1})
    visitor.sees_the_page()
    assert visitor.app.pills[0].options == ["class 7", "class 8", "class 9"]
    others = [box for box in visitor.app.selectbox if box.label == "Another class"]
    assert others[0].options == labels
    others[0].set_value("class 999")
    visitor.sees_the_page()
    assert [feedback["label"] for feedback in told(remembering)] == ["class 999"]


def test_where_another_model_answers_by_now_its_classes_are_not_offered_for_the_old_answer(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    model = json.loads(remembering.by_path["/model"].body)
    remembering.by_path["/model"] = remembering.as_json(200, model | {"labels": ["cat", "dog"]})
    visitor.sees_the_page()
    assert visitor.app.pills[0].options == ["chihuahua", "muffin", "other"]


def test_where_the_model_is_not_described_the_answers_own_classes_are_offered(
    visitor: "Visitor", remembering: "FakeService"
) -> None:
    remembering.by_path["/model"] = remembering.raw(500, b"<html>")
    visitor.sees_the_page()
    assert visitor.app.pills[0].options == ["chihuahua", "muffin", "other"]


def explained(picture: bytes, method: str = "cam") -> dict[str, object]:
    png = base64.b64encode(picture).decode()
    labels = {"chihuahua": 0.983, "muffin": 0.017}
    return {
        "method": method,
        "input": png,
        "explanations": [
            {"label": label, "probability": share, "overlay": png} for label, share in labels.items()
        ],
    }


@pytest.mark.parametrize(
    ("method", "words"),
    [("cam", "class activation map"), ("occlusion", "was covered"), ("new", "class activation map")],
)
def test_why_shows_what_the_model_saw_and_what_spoke_for_each_class(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes], method: str, words: str
) -> None:
    service.by_path["/explain"] = service.as_json(200, explained(picture(), method))
    visitor.sees_the_page()
    visitor.clicks("Why?")
    assert visitor.alts[-3].startswith("What the model saw of ")
    assert visitor.alts[-2].endswith("spoke for chihuahua")
    assert visitor.alts[-1].endswith("spoke for muffin")
    assert "98.3%" in visitor.words
    assert words in visitor.words
    (asked,) = [asked for asked in service.asked if asked.path == "/explain"]
    assert asked.headers["Accept"] == "application/json"
    assert asked.picture.startswith(b"\xff\xd8")


@pytest.mark.parametrize("status", [404, 429, 500, 503, 504])
def test_why_says_so_where_there_is_no_explanation(
    visitor: "Visitor", service: "FakeService", status: int
) -> None:
    service.by_path["/explain"] = service.refusal(status, "There is no reason.")
    visitor.sees_the_page()
    visitor.clicks("Why?")
    assert "There is no reason." in visitor.words


def test_a_picture_that_cannot_be_shown_has_no_why(
    visitor: "Visitor", service: "FakeService", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muffin_v_chihuahua.answers.thumbnail", lambda _: None)
    visitor.sees_the_page()
    assert "cannot be shown here" in visitor.words
    assert "Why?" not in visitor.buttons
    assert len(service.filenames) == 3


def test_how_long_an_answer_took_is_said(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    assert visitor.words.count("Answered in ") == 3
