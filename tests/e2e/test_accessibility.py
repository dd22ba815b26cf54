"""What axe-core finds on the pages, as they stand on a desk: https://github.com/dequelabs/axe-core."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect
from tests.left_out import need

if TYPE_CHECKING:
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
AXE = Path(__file__).with_name("node_modules") / "axe-core/axe.min.js"

BY_STREAMLIT: Mapping[str, str] = {
    # minor: what may be dropped on is a <section> with role="presentation" that has a label all the same
    "presentation-role-conflict": "st.file_uploader",
}
"""Rules that Streamlit's own markup breaks on some page, and what draws that markup."""

# Every violation: the rule, how bad it is, whether its place is in our own markup, and the place.
FIND = """async () => {
    const {violations} = await axe.run(document, {resultTypes: ['violations']});
    const isOurs = element => Boolean(element?.closest('[class^=mvc-], [class*=" mvc-"], img[alt]'));
    return violations
        .flatMap(({id, impact, nodes}) => nodes.map(({target, html, failureSummary}) => ({
            rule: id,
            impact,
            isOurs: target.length === 1 && isOurs(document.querySelector(target[0])),
            where: `${html.slice(0, 200)} ${failureSummary}`,
        })));
}"""

Found = list[dict[str, Any]]


@pytest.fixture(scope="module")
def axe() -> str:
    need("axe-core")
    return AXE.read_text()


@pytest.fixture(scope="module")
def met() -> set[str]:
    """The rules that Streamlit's markup broke on any of the pages."""
    return set()


def violations(page: Page, axe: str) -> Found:
    page.evaluate(axe)
    found: Found = page.evaluate(FIND)
    return found


def opens_gallery(visit: Visit, **options: Any) -> "Visitor":
    visitor = visit(**options)
    visitor.sees_three()
    return visitor


def opens_answers(visit: Visit, pictures: Callable[[int], Any], **options: Any) -> "Visitor":
    visitor = visit("your-pictures", **options).waits()
    no_picture = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    visitor.hands_in(*pictures(2), no_picture)
    expect(visitor.main.get_by_text("3 pictures").first).to_be_visible()
    return visitor


def opens_table(visit: Visit, pictures: Callable[[int], Any], **options: Any) -> "Visitor":
    visitor = opens_answers(visit, pictures, **options)
    visitor.page.get_by_text("Table", exact=True).click()
    expect(visitor.main.get_by_role("region", name="3 pictures")).to_be_visible()
    return visitor


def opens_why(visit: Visit, **options: Any) -> "Visitor":
    visitor = visit("?picture=muffin/poppy-seed.jpg", **options)
    visitor.button("Why?").click()
    expect(visitor.page.get_by_role("dialog").get_by_role("img", name="spoke for")).to_have_count(3)
    return visitor


PLACES: Mapping[str, Callable[..., "Visitor"]] = {
    "gallery": lambda visit, _, **options: opens_gallery(visit, **options),
    "your pictures": lambda visit, _, **options: visit("your-pictures", **options),
    "answers": opens_answers,
    "table": opens_table,
    "why": lambda visit, _, **options: opens_why(visit, **options),
    "model": lambda visit, _, **options: visit("model", **options),
    "service": lambda visit, _, **options: visit("service", **options),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_of_ours_is_in_the_way_of_anybody(  # noqa: PLR0913, PLR0917 - two parameters, four fixtures
    visit: Visit, pictures: Callable[[int], Any], axe: str, met: set[str], place: str, scheme: str
) -> None:
    visitor = PLACES[place](visit, pictures, color_scheme=scheme).waits()

    found = violations(visitor.page, axe)

    met.update(each["rule"] for each in found if not each["isOurs"])
    assert [each for each in found if each["isOurs"] or each["rule"] not in BY_STREAMLIT] == []
    visitor.does_not_scroll_sideways()


def test_what_streamlit_causes_is_still_there(axe: str, met: set[str]) -> None:  # runs after the others
    assert axe
    assert met == BY_STREAMLIT.keys(), "What is gone need not be in the list any more."
