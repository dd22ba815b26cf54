import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]


def test_the_gallery_shows_three_pictures_each_with_its_classes_and_a_trophy(visit: Visit) -> None:
    visitor = visit()

    assert len(set(visitor.sees_three())) == 3
    for answer in visitor.bars.all():
        shares = [float(share) for share in re.findall(r"([\d.]+)%", answer.inner_text())]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=0.3)
        expect(answer.get_by_role("listitem").first).to_contain_text("🏆")
    expect(visitor.page.get_by_text(re.compile(r"^Answered in [\d,]+ ms$"))).to_have_count(3)
    expect(visitor.page.get_by_text("Answered by muffin-v-chihuahua")).to_be_visible()


def test_every_picture_of_the_gallery_is_loaded(visit: Visit) -> None:
    visitor = visit()
    visitor.sees_three()

    for picture in visitor.gallery.all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("picture => picture.naturalWidth") > 100


def test_a_shuffle_shows_three_other_pictures(visit: Visit) -> None:
    visitor = visit()
    before = visitor.sees_three()

    visitor.shuffles()

    assert not set(visitor.sees_three_but_not(before)) & set(before)


def test_the_address_leads_somebody_else_to_the_same_pictures(visit: Visit) -> None:
    visitor = visit()
    before = visitor.sees_three()
    visitor.shuffles()
    shown = visitor.sees_three_but_not(before)

    assert parse_qs(urlsplit(visitor.page.url).query)["picture"] == shown
    assert visit(visitor.page.url).sees_three() == shown


def test_a_class_can_be_picked_and_the_address_knows_it(visit: Visit) -> None:
    visitor = visit("?picture=chihuahua/blue-asleep.jpg&picture=chihuahua/white-in-the-grass.jpg")
    expect(visitor.bars).to_have_count(2)

    visitor.page.get_by_role("combobox", name="Only pictures of").click()
    visitor.page.get_by_role("option", name="muffin", exact=True).click()
    visitor.page.wait_for_url(re.compile("class=muffin"))

    for each in (visitor, visit(visitor.page.url)):
        titles = each.sees_three_but_not(["chihuahua/"])
        each.shuffles()
        assert all(title.startswith("muffin/") for title in each.sees_three_but_not(titles))


def test_the_gallery_can_be_shuffled_with_the_keyboard_alone(visit: Visit) -> None:
    visitor = visit()
    before = visitor.sees_three()

    visitor.presses_tab_until(visitor.button("Shuffle & predict"))
    visitor.page.keyboard.press("Enter")

    assert not set(visitor.sees_three_but_not(before)) & set(before)


def test_the_keyboard_leads_to_the_other_pages(visit: Visit) -> None:
    visitor = visit()
    visitor.sees_three()

    visitor.presses_tab_until(
        visitor.page.get_by_role("navigation").get_by_role("link", name="Your pictures")
    )
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.get_by_role("heading", name="Your pictures")).to_be_visible()
