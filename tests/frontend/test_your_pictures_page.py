import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar
from zipfile import ZipFile

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.testing.v1 import AppTest, local_script_runner

from muffin_v_chihuahua.batch import Batch
from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.selection import FAILED, UNSURE, Outcome
from muffin_v_chihuahua.views import ways_in

if TYPE_CHECKING:
    from tests.frontend.conftest import Broken, FakeService, Visitor

ADDRESS_OF_THE_SECOND_PAGE = "your-pictures"


def test_whatever_the_service_answers_the_second_page_says_it_in_words(
    visitor: "Visitor", service: "FakeService", broken: "Broken"
) -> None:
    good, healthy = service.reply, service.by_path
    visitor.sees_the_page()
    service.is_broken(broken.reply)
    visitor.goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    assert broken.words in visitor.words
    assert service.url in visitor.words
    service.reply, service.by_path = good, healthy
    visitor.clicks("Try again")
    assert "Try again" not in visitor.buttons


@pytest.fixture
def there(visitor: "Visitor") -> "Visitor":
    """A visitor who has opened the second page."""
    return visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)


def choose(app: AppTest, key: str, value: object) -> None:
    """Choose something with the widget that has this key, of whatever kind it is."""
    kinds = ("segmented_control", "selectbox", "slider", "pills", "pagination", "multiselect")
    widgets: list[Any] = [each for kind in kinds for each in app.get(kind) if each.key == key]
    (widget,) = widgets
    widget.set_value(value)


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def table(visitor: "Visitor") -> Mapping[str, list[Any]]:
    """The columns of the table on the page."""
    (shown,) = visitor.app.dataframe
    return {name: list(shown.value[name]) for name in shown.value}


def drawn_names(visitor: "Visitor") -> list[str]:
    return [alt.partition(": ")[2] for alt in visitor.alts]


def test_uploads_are_answered_each_under_its_name(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    service.by_filename["my_bun.png"] = service.prediction({"bun": 1})
    there.uploads(my_bun=picture(), rex=picture("red"))
    assert there.bars == ["🏆 bun · 100.0%", "🏆 chihuahua · 98.3%", "muffin · 1.1%", "other · 0.6%"]
    assert there.alts == ["Your picture 1 of 2: my_bun.png", "Your picture 2 of 2: rex.png"]
    assert "my_bun.png" in there.words
    assert "**2 pictures** · bun **1** · chihuahua **1**" in there.words
    assert {asked.picture for asked in service.asked[-2:]} >= {picture()}


def test_an_upload_is_asked_about_once(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    there.uploads(a=picture(), b=picture()).sees_the_page().sees_the_page()
    assert sorted(service.filenames[3:]) == ["a.png", "b.png"]


def test_the_same_file_dropped_twice_is_two_entries(there: "Visitor", picture: Callable[..., bytes]) -> None:
    there.uploads(a=picture()).uploads(a=picture())
    assert drawn_names(there) == ["a.png", "a.png"]


def test_a_rejected_upload_stays_in_the_list_with_the_services_sentence(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    service.by_filename["bad.png"] = service.refusal(400, "bad.png is *no* picture.")
    there.uploads(bad=b"no picture", good=picture()).sees_the_page()
    assert "bad.png is *no* picture." in there.words
    assert "cannot be shown here" in there.words
    assert len(there.bars) == 3
    assert sorted(service.filenames[3:]) == ["bad.png", "good.png"]
    assert "Try again" not in there.buttons


def test_a_picture_over_the_services_limit_is_not_sent(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    there.uploads(huge=bytes(1_000_001), good=picture())
    assert "larger than the service takes" in there.words
    assert service.filenames[3:] == ["good.png"]
    assert there.app.file_uploader[0].proto.max_upload_size_mb == 1
    assert "each of up to 1.0 MB" in there.words


def test_an_upload_that_broke_the_service_holds_up_no_other_and_can_be_tried_again(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    service.by_filename["odd.png"] = service.raw(500, b"<html>")
    there.uploads(odd=picture(), good=picture())
    assert "status 500" in there.words
    assert len(there.bars) == 3
    service.by_filename.clear()
    there.clicks("Try again").waits()
    assert len(there.bars) == 6
    assert there.alts == ["Your picture 1 of 2: odd.png", "Your picture 2 of 2: good.png"]


def test_uploads_wait_for_a_service_that_went_away(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    there.uploads(a=picture())
    service.by_filename |= dict.fromkeys(["b.png", "c.png"], service.raw(0, hang_up=True))
    there.uploads(b=picture(), c=picture())
    assert "cannot be reached" in there.words
    assert "2 pictures have no answer yet." in there.words
    assert len(there.bars) == 3
    service.by_filename.clear()
    there.clicks("Try again").waits()
    assert len(there.bars) == 9
    assert sorted(service.filenames[-2:]) == ["b.png", "c.png"]
    assert "no answer" not in there.words


def test_a_batch_is_cancelled_while_it_runs_and_goes_on(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    service.reply = slow = service.raw(200, service.reply.body, after_s=1)
    uploader = there.app.file_uploader[0]
    for number in range(20):
        uploader.upload(f"{number}.png", picture(), "image/png")
    there.sees_the_page()
    assert re.fullmatch(r"\d+ of 20", there.app.get("progress")[0].proto.text)
    assert "Clear" not in there.buttons
    there.clicks("Cancel")
    assert "Cancel" not in there.buttons
    assert "pictures have no answer yet" in there.words
    service.reply = service.raw(200, slow.body)
    there.clicks("Go on").waits()
    assert "**20 pictures**" in there.words
    assert "no answer" not in there.words


def test_a_busy_service_is_obeyed_and_the_page_says_so(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    service.by_filename["a.png"] = service.refusal(429, "Come back in 1 second.")
    there.app.file_uploader[0].upload("a.png", picture(), "image/png")
    there.sees_the_page()
    while "too much to do" not in there.app.get("progress")[0].proto.text:
        there.sees_the_page()
    assert there.app.get("progress")[0].proto.text.endswith("it goes on in 1 second.")
    service.by_filename.clear()
    there.waits()
    assert len(there.bars) == 3


def test_answers_are_kept_while_the_visitor_is_on_another_page(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    there.uploads(a=picture(), b=picture())
    asked = len(service.filenames)
    there.goes_to("model").goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    assert drawn_names(there) == ["a.png", "b.png"]
    assert len(service.filenames) == asked


def test_clear_forgets_everything(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    there.uploads(a=picture(), b=picture())
    choose(there.app, "results_view", "Table")
    there.sees_the_page().clicks("Clear")
    assert not there.bars
    assert "Clear" not in there.buttons
    assert "your_tiny_pictures" not in there.app.session_state
    assert not len(there.app.session_state["your_batch"])
    service.by_filename["c.png"] = service.raw(0, hang_up=True)
    there.uploads(c=picture())
    assert "cannot be reached" in there.words
    there.clicks("Clear")
    assert "cannot be reached" not in there.words


def test_nothing_that_was_handed_in_stays_in_streamlits_store(
    there: "Visitor", picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    stores: list[MemoryUploadedFileManager] = []

    class Kept(MemoryUploadedFileManager):
        def __init__(self, endpoint: str) -> None:
            super().__init__(endpoint)
            stores.append(self)

    monkeypatch.setattr(local_script_runner, "MemoryUploadedFileManager", Kept)
    there.uploads(a=picture(), b=b"no picture")
    there.app.chat_input[0].upload("c.png", picture(), "image/png")
    there.sees_the_page().waits()
    choose(there.app, "way_in", "Camera")
    there.sees_the_page()
    there.app.camera_input[0].set_value(("photo.jpg", picture(kind="JPEG"), "image/jpeg"))
    there.sees_the_page().waits()
    assert drawn_names(there) == ["a.png", "c.png", "photo.jpg"]
    assert stores
    assert not any(store.get_stats() for store in stores)
    assert not there.app.camera_input[0].value  # and the widget is ready for the next picture


def test_there_is_a_bound_on_how_many_pictures_one_visitor_has(
    visitor: "Visitor", service: "FakeService", picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_PICTURES", "3")
    visitor.sees_the_page().goes_to(ADDRESS_OF_THE_SECOND_PAGE)
    assert "At most 3 pictures at a time" in visitor.words
    visitor.uploads(a=picture(), b=picture())
    visitor.uploads(c=picture(), d=picture(), e=picture())
    assert drawn_names(visitor) == ["a.png", "b.png", "c.png"]
    assert "2 pictures were left out: there is room for 3." in visitor.words
    visitor.uploads(f=picture())
    assert "1 picture was left out" in visitor.words
    assert len(service.filenames) == 6
    visitor.clicks("Clear")
    assert "left out" not in visitor.words
    visitor.uploads(f=picture())
    assert drawn_names(visitor) == ["f.png"]


def test_a_zip_is_its_pictures_and_what_is_wrong_in_it_stays_in_the_list(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    choose(there.app, "way_in", "Zip")
    there.sees_the_page()
    files = {"a/rex.png": picture(), "__MACOSX/._rex.png": b"", "huge.png": bytes(1_000_001)}
    there.app.file_uploader[0].upload("holiday.zip", zipped(files), "application/zip")
    there.app.file_uploader[0].upload("broken.zip", b"no zip", "application/zip")
    there.sees_the_page().waits()
    assert drawn_names(there) == ["a/rex.png"]
    assert "larger than the service takes" in there.words
    assert "broken.zip" in there.words
    assert "This zip is damaged" in there.words
    assert service.filenames[3:] == ["a/rex.png"]


def test_a_folder_is_its_pictures(there: "Visitor", picture: Callable[..., bytes]) -> None:
    choose(there.app, "way_in", "Folder")
    there.sees_the_page()
    there.app.file_uploader[0].upload("holiday/.DS_Store", b"x")
    there.sees_the_page()
    assert "nothing in it that could be a picture" in there.words
    there.app.file_uploader[0].upload("holiday/rex.png", picture(), "image/png")
    there.sees_the_page().waits()
    assert drawn_names(there) == ["holiday/rex.png"]


def test_the_camera_is_drawn_when_somebody_wants_it_and_not_before(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    assert not there.app.camera_input
    choose(there.app, "way_in", "Camera")
    there.sees_the_page()
    there.app.camera_input[0].set_value(("camera.jpg", picture(kind="JPEG"), "image/jpeg"))
    there.sees_the_page().waits()
    assert len(there.bars) == 3
    assert service.filenames[-1] == "camera.jpg"


def test_a_picture_is_pasted_and_text_is_not_one(there: "Visitor", picture: Callable[..., bytes]) -> None:
    there.app.chat_input[0].set_value("a chihuahua, please")
    there.sees_the_page()
    assert "That was no picture" in there.app.toast[0].value
    there.app.chat_input[0].upload("image.png", picture(), "image/png")
    there.sees_the_page().waits()
    assert drawn_names(there) == ["image.png"]


@pytest.fixture
def mixed(there: "Visitor", service: "FakeService", picture: Callable[..., bytes]) -> "Visitor":
    """Four pictures: two muffins, one unsure, one that failed."""
    service.by_filename = {
        "c.png": service.prediction({"muffin": 0.7, "chihuahua": 0.3}),
        "B.png": service.prediction({"muffin": 0.5, "chihuahua": 0.5}, verdict="unsure"),
        "a.png": service.prediction({"muffin": 0.9, "chihuahua": 0.1}),
        "d.png": service.refusal(400, "=No picture."),
    }
    return there.uploads(c=picture(), B=picture(), a=picture(), d=picture())


def order_of(visitor: "Visitor", order: str) -> list[str]:
    choose(visitor.app, "results_order", order)
    choose(visitor.app, "results_view", "Table")
    visitor.sees_the_page()
    return table(visitor)["name"]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("As given", "cBad"),
        ("Least sure first", "Bcad"),
        ("Surest first", "acBd"),
        ("By verdict", "caBd"),
        ("By name", "aBcd"),
    ],
)
def test_answers_are_sorted(mixed: "Visitor", order: str, names: str) -> None:
    assert order_of(mixed, order) == [f"{name}.png" for name in names]


@pytest.mark.parametrize(
    ("outcomes", "names"),
    [
        ([Outcome("1 sure", "muffin")], "ca"),
        ([UNSURE], "B"),
        ([FAILED], "d"),
        ([UNSURE, FAILED], "Bd"),
    ],
)
def test_answers_are_chosen_by_what_came_of_them(
    mixed: "Visitor", outcomes: list[Outcome], names: str
) -> None:
    assert "**4 pictures** · muffin **2** · 🤔 Not sure **1** · ⚠️ Failed **1**" in mixed.words
    choose(mixed.app, "results_outcomes", outcomes)
    assert order_of(mixed, "As given") == [f"{name}.png" for name in names]


def test_answers_are_chosen_by_how_sure_they_are(mixed: "Visitor") -> None:
    choose(mixed.app, "results_confidence", (60, 80))
    assert order_of(mixed, "As given") == ["c.png"]
    choose(mixed.app, "results_confidence", (95, 100))
    mixed.sees_the_page()
    assert "None of the pictures is like that." in mixed.words


def test_a_picture_that_cannot_be_shown_has_a_row_without_one(
    there: "Visitor", picture: Callable[..., bytes]
) -> None:
    there.uploads(a=b"no picture", b=picture())
    order_of(there, "As given")
    assert [isinstance(each, str) for each in table(there)["picture"]] == [False, True]
    order_of(there, "By name")
    assert [isinstance(each, str) for each in table(there)["picture"]] == [False, True]


def test_a_batch_that_ends_while_it_is_drawn_has_the_page_drawn_anew() -> None:
    def page() -> None:
        import streamlit as st  # noqa: PLC0415 - AppTest runs only this body

        from muffin_v_chihuahua.views.at_work import draw_at_work  # noqa: PLC0415

        draw_at_work(st.session_state["batch"])
        st.caption("drawn to its end")

    class Ending(Batch):
        running: ClassVar = [True, False]

        @property
        def is_running(self) -> bool:
            return bool(self.running and self.running.pop(0))

    app = AppTest.from_function(page)
    app.session_state["batch"] = Ending(InferenceClient(new_session(), "http://nobody"))
    app.run()
    assert not app.button
    assert app.caption[0].value == "drawn to its end"


def test_without_a_store_there_is_nothing_to_take_out_of_it(picture: Callable[..., bytes]) -> None:
    record = UploadedFileRec("id", "a.png", "image/png", picture())
    assert ways_in._taken_out(UploadedFile(record, FileURLs())) == picture()  # inside: no page is running


def test_the_table_has_tiny_pictures_and_says_what_failed(mixed: "Visitor") -> None:
    order_of(mixed, "As given")
    shown = table(mixed)
    assert shown["verdict"] == ["🏆 muffin", "🤔 Not sure (muffin)", "🏆 muffin", "⚠️ Failed"]
    assert shown["picture"][0].startswith("data:image/jpeg;base64,")
    assert shown["error"] == ["", "", "", "=No picture."]
    assert shown["confidence"][0] == 0.7


def test_there_is_something_to_take_away_as_soon_as_there_are_answers(
    there: "Visitor", picture: Callable[..., bytes]
) -> None:
    assert not there.app.download_button
    there.uploads(a=picture())
    assert [button.label for button in there.app.download_button] == ["CSV", "Parquet"]


def test_hundreds_of_cards_are_drawn_page_by_page(there: "Visitor", picture: Callable[..., bytes]) -> None:
    there.uploads(**{f"{number:02}": picture() for number in range(30)})
    assert drawn_names(there) == [f"{number:02}.png" for number in range(24)]
    assert there.alts[0] == "Your picture 1 of 30: 00.png"
    choose(there.app, "results_page_of_2", 2)
    there.sees_the_page()
    assert drawn_names(there) == [f"{number:02}.png" for number in range(24, 30)]


def test_a_model_with_hundreds_of_classes_is_summed_up(
    there: "Visitor", service: "FakeService", picture: Callable[..., bytes]
) -> None:
    labels = [f"breed_{number:03}" for number in range(12)]
    service.by_filename = {f"{label}.png": service.prediction({label: 0.9}) for label in labels}
    there.uploads(**dict.fromkeys(labels, picture()))
    assert "breed_004 **1** · 7 other classes **7**" in there.words
    assert "breed_005 **" not in there.words
    choose(there.app, "results_list", [Outcome("1 sure", "breed_005")])
    assert order_of(there, "As given") == ["breed_005.png"]
