import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]


def speaks(visitor: "Visitor", page: str, link: str) -> None:
    """The chooser shows this language, and the navigation is in it."""
    expect(visitor.page.get_by_role("radio", name=page)).to_be_checked()
    expect(visitor.page.get_by_role("navigation").get_by_role("link", name=link, exact=True)).to_be_visible()


def test_a_french_browser_gets_french(visit: Visit) -> None:
    visitor = visit(locale="fr-FR")

    speaks(visitor, "Français", "Galerie")
    visitor.sees_three()
    assert re.search(r"\d,\d\s%", visitor.bars.first.inner_text())


def test_any_other_browser_gets_english(visit: Visit) -> None:
    visitor = visit(locale="de-DE")

    speaks(visitor, "English", "Gallery")
    visitor.sees_three()
    assert re.search(r"\d\.\d%", visitor.bars.first.inner_text())


def test_the_language_can_be_chosen_and_stays_with_the_pictures_and_the_address(visit: Visit) -> None:
    visitor = visit()
    shown = visitor.sees_three()

    visitor.page.get_by_text("Français").click()

    speaks(visitor, "Français", "Galerie")
    visitor.page.wait_for_url(re.compile("lang=fr"))
    assert visitor.waits().sees_three() == shown
    other = visit(visitor.page.url)
    speaks(other, "Français", "Galerie")
    assert other.sees_three() == shown


def test_english_can_be_chosen_in_a_french_browser(visit: Visit) -> None:
    visitor = visit(locale="fr-FR")
    visitor.sees_three()

    visitor.page.get_by_text("English").click()

    speaks(visitor, "English", "Gallery")
    visitor.page.wait_for_url(re.compile("lang=en"))
    speaks(visit(visitor.page.url, locale="fr-FR"), "English", "Gallery")


def test_the_chosen_language_goes_with_the_visitor_to_the_next_page(visit: Visit) -> None:
    visitor = visit()
    visitor.sees_three()
    visitor.page.get_by_text("Français").click()
    speaks(visitor, "Français", "Galerie")

    visitor.page.get_by_role("navigation").get_by_role("link").nth(2).click()

    visitor.page.wait_for_url(re.compile("/model"))
    speaks(visitor, "Français", "Galerie")
