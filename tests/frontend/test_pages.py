from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from muffin_v_chihuahua.views.text import plain

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService, Reply, Visitor

ADDRESS_OF_THE_SECOND_PAGE = "your-pictures"

BROKEN_ANSWERS = {
    "loading": ("not ready yet", lambda service: service.refusal(503, "The model is being loaded.")),
    "busy": ("too much to do", lambda service: service.refusal(429, "Come back in 2 seconds.")),
    "timeout": ("too long", lambda service: service.refusal(504, "The deadline is over.")),
    "html": ("not as the prediction service should", lambda service: service.raw(200, b"<html>proxy</html>")),
    "500": ("status 500", lambda service: service.raw(500, b"<h1>Internal Server Error</h1>")),
    "other json": ("makes no sense", lambda service: service.as_json(200, {"label": "muffin"})),
    "hangs up": ("cannot be reached", lambda service: service.raw(0, hang_up=True)),
}
broken_answers = pytest.mark.parametrize(
    ("words", "reply_of"), BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys()
)
ReplyOf = Callable[["FakeService"], "Reply"]


def test_the_gallery_opens_with_three_pictures_and_their_three_best_classes(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    assert "Muffin 🍪 or chihuahua 🐶" in visitor.words
    assert len(visitor.alts) == 3
    assert visitor.bars == ["🏆 **chihuahua** · 98.3%", "muffin · 1.1%", "other · 0.6%"] * 3
    assert "Answered by fake-model 9.9.9" in visitor.words


def test_every_picture_has_a_text_for_those_who_do_not_see_it(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    starts = [alt.rsplit("/", maxsplit=1)[0] for alt in visitor.alts]
    assert [start[:-3] for start in starts] == [f"Gallery picture {number} of 3: " for number in (1, 2, 3)]


def test_shuffle_shows_three_other_pictures(visitor: "Visitor", service: "FakeService") -> None:
    visitor.sees_the_page()
    visitor.clicks("Shuffle & predict")
    assert len(set(service.filenames)) == 6
    assert len(visitor.bars) == 9


def test_a_rerun_asks_nothing_again(visitor: "Visitor", service: "FakeService") -> None:
    visitor.sees_the_page().sees_the_page()
    assert len(service.filenames) == 3


def test_coming_back_from_the_other_page_shows_the_same_pictures(visitor: "Visitor") -> None:
    before = visitor.sees_the_page().alts
    assert visitor.goes_to(ADDRESS_OF_THE_SECOND_PAGE).goes_to("").alts == before


def test_the_page_learns_the_classes_from_the_service(visitor: "Visitor", service: "FakeService") -> None:
    service.reply = service.prediction({"hot_dog": 0.75, "*not* :red[hot] $dog$": 0.25})
    visitor.sees_the_page()
    assert visitor.bars[:2] == ["🏆 **hot_dog** · 75.0%", "*not* :red[hot] $dog$ · 25.0%"]
    assert len(visitor.bars) == 6


def test_of_a_thousand_classes_the_three_best_are_drawn(visitor: "Visitor", service: "FakeService") -> None:
    scores = {f"class {number}": (1000 - number) / 500500 for number in range(1000)}
    service.reply = service.prediction(scores)
    visitor.sees_the_page()
    assert visitor.bars[:3] == ["🏆 **class 0** · 0.2%", "class 1 · 0.2%", "class 2 · 0.2%"]
    assert len(visitor.bars) == 9


def test_where_the_service_is_not_sure_nobody_gets_the_trophy(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.reply = service.prediction({"muffin": 0.52, "chihuahua": 0.48}, verdict="unsure")
    visitor.sees_the_page()
    assert visitor.bars[0] == "muffin · 52.0%"
    assert visitor.words.count("Not sure") == 3


def test_a_gallery_picture_that_the_service_rejects_keeps_its_place(
    visitor: "Visitor", service: "FakeService", gallery: Path
) -> None:
    rmtree(gallery / "bee")
    for number in range(3, 8):
        (gallery / "ape" / f"ape{number}.png").unlink()
    service.by_filename["ape1.png"] = service.refusal(415, "ape1.png is no picture.")
    visitor.sees_the_page()
    assert len(visitor.bars) == 6
    assert "ape1.png is no picture." in visitor.words


@pytest.mark.parametrize("count", [1, 2])
def test_a_gallery_with_fewer_than_three_pictures_shows_those(
    visitor: "Visitor", gallery: Path, picture: Callable[..., bytes], count: int
) -> None:
    rmtree(gallery)
    gallery.mkdir()
    for number in range(count):
        (gallery / f"{number}.png").write_bytes(picture())
    visitor.sees_the_page().clicks("Shuffle")
    assert len(visitor.alts) == count


@pytest.mark.parametrize("is_there", [True, False])
def test_a_gallery_without_pictures_says_so(visitor: "Visitor", gallery: Path, *, is_there: bool) -> None:
    rmtree(gallery)
    if is_there:
        gallery.mkdir()
    visitor.sees_the_page()
    assert f"There are no pictures in {gallery}." in visitor.words


def test_a_gallery_file_that_is_no_picture_shows_the_services_sentence(
    visitor: "Visitor", service: "FakeService", gallery: Path
) -> None:
    rmtree(gallery)
    gallery.mkdir()
    (gallery / "a.png").write_bytes(b"no picture")
    service.reply = service.refusal(400, "This is no picture.")
    visitor.sees_the_page()
    assert "cannot be shown here" in visitor.words
    assert "This is no picture." in visitor.words


def test_a_picture_that_has_gone_since_is_a_sentence_and_no_crash(visitor: "Visitor", gallery: Path) -> None:
    visitor.sees_the_page()
    visitor.app.session_state["gallery_answers"] = []
    for path in gallery.glob("*/*7.png"):
        path.unlink()
    visitor.app.session_state["gallery_shown"] = [gallery / "ape" / "ape7.png"]
    visitor.sees_the_page()
    assert "cannot be read: No such file" in visitor.words


def test_a_service_that_is_down_is_named_and_can_be_tried_again(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.stop()
    visitor.sees_the_page()
    assert f"The prediction service at {service.url} cannot be reached." in visitor.words
    assert not visitor.bars
    service.start()
    visitor.clicks("Try again")
    assert len(visitor.bars) == 9
    assert "Try again" not in visitor.buttons


@broken_answers
def test_whatever_the_service_answers_the_gallery_says_it_in_words(
    visitor: "Visitor", service: "FakeService", words: str, reply_of: ReplyOf
) -> None:
    good = service.reply
    service.is_broken(reply_of(service))
    visitor.sees_the_page()
    assert words in visitor.words
    assert service.url in visitor.words
    assert "<h" not in visitor.words
    service.reply = good
    visitor.clicks("Try again")
    assert len(visitor.bars) == 9


def test_a_slow_service_is_given_up_after_the_timeout(
    visitor: "Visitor", service: "FakeService", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_TIMEOUT_S", "0.2")
    service.reply = service.raw(200, after_s=30)
    visitor.sees_the_page()
    assert "takes too long" in visitor.words


@broken_answers
def test_whatever_the_service_answers_the_second_page_says_it_in_words(
    visitor: "Visitor", service: "FakeService", words: str, reply_of: ReplyOf
) -> None:
    good, healthy = service.reply, service.health_reply
    visitor.sees_the_page()
    service.is_broken(reply_of(service))
    visitor.goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    assert words in visitor.words
    assert service.url in visitor.words
    service.reply, service.health_reply = good, healthy
    visitor.clicks("Try again")
    assert "Try again" not in visitor.buttons


def test_the_gallery_leads_to_the_second_page(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    (link,) = visitor.app.get("page_link")
    assert link.proto.page == ADDRESS_OF_THE_SECOND_PAGE


def test_uploads_are_answered_each_under_its_name(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    service.by_filename["my_bun.png"] = service.prediction({"bun": 1})
    visitor.uploads(my_bun=picture(), rex=picture("red"))
    assert visitor.bars == [
        "🏆 **bun** · 100.0%",
        "🏆 **chihuahua** · 98.3%",
        "muffin · 1.1%",
        "other · 0.6%",
    ]
    assert visitor.alts == ["Your picture 1 of 2: my_bun.png", "Your picture 2 of 2: rex.png"]
    assert "my_bun.png" in visitor.words
    assert service.asked[-2].picture == picture()


def test_an_upload_is_asked_about_once(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    visitor.uploads(a=picture(), b=picture()).sees_the_page().sees_the_page()
    assert service.filenames[3:] == ["a.png", "b.png"]


def test_a_rejected_upload_stays_in_the_list_with_the_services_sentence(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    service.by_filename["bad.png"] = service.refusal(400, "bad.png is *no* picture.")
    visitor.uploads(bad=b"no picture", good=picture()).sees_the_page()
    assert "bad.png is *no* picture." in visitor.words
    assert "cannot be shown here" in visitor.words
    assert len(visitor.bars) == 3
    assert service.filenames[3:] == ["bad.png", "good.png"]
    assert "Try again" not in visitor.buttons


def test_an_upload_that_broke_the_service_holds_up_no_other_and_can_be_tried_again(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    service.by_filename["odd.png"] = service.raw(500, b"<html>")
    visitor.uploads(odd=picture(), good=picture())
    assert "status 500" in visitor.words
    assert len(visitor.bars) == 3
    service.by_filename.clear()
    visitor.clicks("Try again")
    assert len(visitor.bars) == 6
    assert visitor.alts == ["Your picture 1 of 2: odd.png", "Your picture 2 of 2: good.png"]


def test_uploads_wait_for_a_service_that_went_away(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    service.by_filename["b.png"] = service.raw(0, hang_up=True)
    visitor.uploads(a=picture(), b=picture(), c=picture())
    assert "cannot be reached" in visitor.words
    assert "2 of 3 pictures still have no answer." in visitor.words
    assert len(visitor.bars) == 3
    service.by_filename.clear()
    visitor.clicks("Try again")
    assert len(visitor.bars) == 9
    assert service.filenames[-2:] == ["b.png", "c.png"]
    assert "no answer" not in visitor.words


def test_what_is_taken_away_is_forgotten(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE).uploads(a=picture())
    visitor.app.file_uploader[0].clear()
    visitor.sees_the_page()
    assert not visitor.bars
    assert visitor.app.session_state["your_answers"] == {}
    assert len(service.filenames) == 4


def test_the_camera_is_drawn_when_somebody_wants_it_and_not_before(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    assert not visitor.app.camera_input
    visitor.app.toggle[0].set_value(True)
    visitor.sees_the_page()
    visitor.app.camera_input[0].set_value(("camera.jpg", picture(kind="JPEG"), "image/jpeg"))
    visitor.sees_the_page()
    assert len(visitor.bars) == 3
    assert service.filenames[-1] == "camera.jpg"


def test_wrong_settings_are_a_sentence_on_the_page(
    visitor: "Visitor", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "ftp://x")
    visitor.sees_the_page()
    assert "INFERENCE_HOST: 'ftp://' is not a scheme" in visitor.words


def test_a_bug_of_our_own_is_an_apology_without_a_traceback() -> None:
    def page() -> None:
        from muffin_v_chihuahua.__main__ import apologise  # noqa: PLC0415 - AppTest runs only this body

        assert apologise(ZeroDivisionError("secret"))

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert "Something went wrong" in app.error[0].value
    assert "secret" not in app.error[0].value


def test_outside_words_are_no_markdown() -> None:
    assert plain("a_b *c*\n\n# d") == r"a\_b \*c\* \# d"
