from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.frontend.conftest import Broken, FakeService, Visitor

ADDRESS_OF_THE_SECOND_PAGE = "your-pictures"


def test_the_gallery_opens_with_three_pictures_and_their_three_best_classes(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    assert "Muffin 🍪 or chihuahua 🐶" in visitor.words
    assert len(visitor.alts) == 3
    assert visitor.bars == ["🏆 chihuahua · 98.3%", "muffin · 1.1%", "other · 0.6%"] * 3
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
    assert visitor.bars[:2] == ["🏆 hot_dog · 75.0%", "*not* :red[hot] $dog$ · 25.0%"]
    assert len(visitor.bars) == 6


def test_of_a_thousand_classes_the_three_best_are_drawn(visitor: "Visitor", service: "FakeService") -> None:
    scores = {f"class {number}": (1000 - number) / 500500 for number in range(1000)}
    service.reply = service.prediction(scores)
    visitor.sees_the_page()
    assert visitor.bars[:3] == ["🏆 class 0 · 0.2%", "class 1 · 0.2%", "class 2 · 0.2%"]
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


def test_an_unforeseen_error_in_one_picture_is_a_sentence_beside_the_answers_to_the_others(
    visitor: "Visitor", gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.parent == gallery / "ape":
            raise MemoryError
        return read_bytes(path)

    rmtree(gallery / "ape")
    (gallery / "ape").mkdir()
    (gallery / "ape" / "ape.png").touch()
    for path in sorted(gallery.glob("bee/*"))[2:]:
        path.unlink()
    monkeypatch.setattr(Path, "read_bytes", read)
    visitor.sees_the_page()
    assert visitor.complaints == [
        "This page failed on this picture. It is not your fault, and it is in the log."
    ]
    assert len(visitor.bars) == 6


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


def test_whatever_the_service_answers_the_gallery_says_it_in_words(
    visitor: "Visitor", service: "FakeService", broken: "Broken"
) -> None:
    good = service.reply
    service.is_broken(broken.reply)
    visitor.sees_the_page()
    assert broken.words in visitor.words
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


def test_the_gallery_leads_to_the_second_page(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    (link,) = visitor.app.get("page_link")
    assert link.proto.page == ADDRESS_OF_THE_SECOND_PAGE


def shown_in_the_address(visitor: "Visitor") -> list[str]:
    return list(visitor.app.query_params["picture"])


def test_the_address_leads_to_the_same_pictures_again(visitor: "Visitor", another_visitor: "Visitor") -> None:
    visitor.sees_the_page()
    another_visitor.app.query_params["picture"] = shown_in_the_address(visitor)
    another_visitor.sees_the_page()
    assert another_visitor.alts == visitor.alts
    assert "address of this page leads to these pictures" in visitor.words


@pytest.mark.parametrize(
    "title", ["../notes.txt", "ape/../ape/ape1.png", "/etc/passwd", "ape/nobody.png", ""]
)
def test_an_address_opens_no_file_that_is_not_in_the_gallery(visitor: "Visitor", title: str) -> None:
    visitor.app.query_params["picture"] = [title]
    visitor.sees_the_page()
    assert len(visitor.alts) == 3
    assert title not in shown_in_the_address(visitor)


def test_an_address_with_more_pictures_than_are_shown_shows_the_first(visitor: "Visitor") -> None:
    wanted = [f"bee/bee{number}.png" for number in range(5)]
    visitor.app.query_params["picture"] = wanted
    visitor.sees_the_page()
    assert shown_in_the_address(visitor) == wanted[:3]


def test_of_a_class_that_is_picked_only_pictures_are_drawn(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    picker = visitor.app.selectbox(key="class")
    assert picker.options == ["ape", "bee"]
    picker.set_value("bee")
    visitor.sees_the_page().clicks("Shuffle").clicks("Shuffle")
    assert all(title.startswith("bee/") for title in shown_in_the_address(visitor))


def test_picking_a_class_of_which_nothing_is_shown_draws_its_pictures_at_once(visitor: "Visitor") -> None:
    visitor.app.query_params["picture"] = ["ape/ape1.png"]
    visitor.sees_the_page()
    visitor.app.selectbox(key="class").set_value("bee")
    visitor.sees_the_page()
    assert all(title.startswith("bee/") for title in shown_in_the_address(visitor))


def test_a_gallery_of_one_class_has_none_to_pick(visitor: "Visitor", gallery: Path) -> None:
    rmtree(gallery / "bee")
    visitor.sees_the_page()
    assert not visitor.app.selectbox


def test_another_model_may_have_a_title_of_its_own(
    visitor: "Visitor", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGE_TITLE", "Hot dog or *not*?")
    visitor.sees_the_page()
    assert "Hot dog or *not*?" in visitor.words
    assert "Muffin 🍪" not in visitor.words
