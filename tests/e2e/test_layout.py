"""The pages fit: on a telephone and on a desk, by day and by night."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FloatRect, Locator, expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
EVERY_PAGE = ["", "your-pictures", "model", "service"]
SCHEMES = ["light", "dark"]

BRIGHTNESS = """() => {
    const shown = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
    const [red, green, blue] = shown.match(/[0-9.]+/g).map(Number);
    return (red + green + blue) / 3;
}"""


def places(pictures: Locator) -> list[FloatRect]:
    boxes = [each.bounding_box() for each in pictures.all()]
    return [box for box in boxes if box]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", EVERY_PAGE)
def test_no_page_scrolls_sideways_on_a_telephone(visit_by_phone: Visit, path: str, scheme: str) -> None:
    visitor = visit_by_phone(path, color_scheme=scheme)

    visitor.does_not_scroll_sideways()
    assert (visitor.page.evaluate(BRIGHTNESS) < 64) is (scheme == "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_with_answers_do_not_scroll_sideways_on_a_telephone(
    visit_by_phone: Visit, pictures: Callable[[int], list[dict[str, Any]]], scheme: str
) -> None:
    visitor = visit_by_phone("your-pictures", color_scheme=scheme)
    long = [{**each, "name": f"{'a-very-long-name-' * 9}{each['name']}"} for each in pictures(2)]

    visitor.waits().hands_in(*long)

    expect(visitor.bars).to_have_count(2)
    visitor.does_not_scroll_sideways()


def test_the_cards_stand_below_each_other_on_a_telephone(visit_by_phone: Visit) -> None:
    visitor = visit_by_phone()
    visitor.sees_three()

    boxes = places(visitor.waits().gallery)

    assert len({box["x"] for box in boxes}) == 1
    assert all(above["y"] + above["height"] < below["y"] for above, below in pairwise(boxes))
    assert all(box["width"] > 250 for box in boxes)


def test_on_a_desk_the_cards_stand_side_by_side_and_their_bars_are_as_wide_as_the_pictures(
    visit: Visit,
) -> None:
    visitor = visit()
    visitor.sees_three()

    boxes = places(visitor.waits().gallery)

    assert len({box["y"] for box in boxes}) == 1
    assert len({box["x"] for box in boxes}) == 3
    for picture, bars in zip(boxes, places(visitor.bars), strict=True):
        assert (bars["x"], bars["width"]) == pytest.approx((picture["x"], picture["width"]), abs=1)


def test_a_telephone_gets_from_page_to_page(visit_by_phone: Visit) -> None:
    visitor = visit_by_phone()
    visitor.sees_three()

    visitor.page.get_by_role("link", name="Now with your own pictures").tap()

    expect(visitor.page.get_by_role("heading", name="Your pictures")).to_be_visible()
