import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
PICTURE = "blueberry-many.jpg"
A_MUFFIN = f"?picture=muffin/{PICTURE}"
NEWEST = """
    SELECT predictions.label, feedback.label FROM predictions
    LEFT JOIN feedback ON feedback.prediction_id = predictions.id
    WHERE predictions.filename = ? ORDER BY predictions.asked_at DESC LIMIT 1
"""


def newest(database: Path) -> tuple[str, str | None] | None:
    """What was predicted for the picture when it was asked about last, and what somebody said it is."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        row: tuple[str, str | None] | None = connection.execute(NEWEST, (PICTURE,)).fetchone()
        return row


def really(visitor: "Visitor", label: str) -> Locator:
    """The button under the prediction that says what it really is."""
    buttons = visitor.main.get_by_role("radiogroup", name="What is it really?")
    return buttons.get_by_role("radio", name=label)


def test_why_opens_the_picture_as_the_model_saw_it_and_what_spoke_for_each_class(visit: Visit) -> None:
    visitor = visit(A_MUFFIN)

    visitor.button("Why?").click()

    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="What the model saw")).to_be_visible()
    expect(dialog.get_by_role("img", name=re.compile("spoke for"))).to_have_count(3)
    for picture in dialog.get_by_role("img", name=re.compile("spoke for|saw")).all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("picture => picture.naturalWidth") >= 224
    assert len(set(re.findall("chihuahua|muffin|other", dialog.inner_text()))) == 3
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_what_somebody_says_about_a_prediction_is_in_the_database(
    visit: Visit, database: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    visitor = visit(A_MUFFIN)

    really(visitor, "chihuahua").click()

    expect(visitor.main.get_by_text("Noted: it is chihuahua")).to_be_visible()
    until(lambda: newest(database) == ("muffin", "chihuahua"))


def test_the_last_word_about_a_prediction_counts(
    visit: Visit, database: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    visitor = visit(A_MUFFIN)
    really(visitor, "other").click()
    expect(visitor.main.get_by_text("Noted: it is other")).to_be_visible()

    really(visitor, "muffin").click()

    expect(visitor.main.get_by_text("Noted: the model was right")).to_be_visible()
    until(lambda: newest(database) == ("muffin", "muffin"))


def test_a_prediction_is_in_the_database_before_anybody_says_anything(
    visit: Visit, database: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    expect(visit(A_MUFFIN).bars).to_have_count(1)

    until(lambda: newest(database) == ("muffin", None))
