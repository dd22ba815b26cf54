"""The service goes away and comes back while people are on the pages."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from benchmarks.demo import Demo
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
EVERY_PAGE = ("", "your-pictures", "model", "service")


@pytest.fixture
def service(running: "Demo") -> Iterator["Demo"]:
    """Both services, of which the test may stop one; the others find it running."""
    yield running
    if not running.service.runs:
        running.service.start()


def test_an_outage_is_a_sentence_and_a_button_until_there_are_answers_again(
    visit: Visit, service: "Demo"
) -> None:
    visitor = visit()
    before = visitor.sees_three()

    service.service.stop()
    visitor.shuffles()
    expect(visitor.alert).to_contain_text(f"{service.service.address} cannot be reached")
    visitor.button("Try again").click()
    expect(visitor.button("Try again")).to_be_visible()
    expect(visitor.alert).to_contain_text("cannot be reached")

    service.service.start()
    visitor.button("Try again").click()

    assert not set(visitor.sees_three_but_not(before)) & set(before)
    expect(visitor.alert).to_have_count(0)
    expect(visitor.button("Try again")).to_have_count(0)


def test_no_page_needs_the_service_to_be_drawn(visit: Visit, service: "Demo") -> None:
    service.service.stop()

    visitors = [visit(path) for path in EVERY_PAGE]

    for visitor in visitors:
        expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
        expect(visitor.alert).to_contain_text("cannot be reached")
        expect(visitor.page.get_by_text("Traceback")).to_have_count(0)
    service.service.start()
    for visitor in visitors:
        if "/service" not in visitor.page.url:  # which looks again by itself
            visitor.button("Try again").click()
        expect(visitor.page.get_by_text("cannot be reached")).to_have_count(0)


def test_what_was_answered_stays_on_the_page_while_the_service_is_away(visit: Visit, service: "Demo") -> None:
    visitor = visit()
    shown = visitor.sees_three()

    service.service.stop()
    visitor.page.get_by_text("Français").click()

    expect(visitor.page.get_by_role("radio", name="Français")).to_be_checked()
    assert visitor.waits().sees_three() == shown
