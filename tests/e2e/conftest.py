"""Both services as they are installed, and visitors with a browser."""

import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from benchmarks.browser import chromium, come_to_rest
from benchmarks.demo import Demo, demo
from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page, expect
from tests.left_out import need

from muffin_v_chihuahua.gallery import OUR_PICTURES, find_pictures

ANSWER_WITHIN_MS = 20_000
"""The machine may have other things to do; who waits for what never comes fails all the same."""
COUNT = 3
"""The gallery shows so many pictures."""
WINDOW = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PAGES = pytest.StashKey[Iterable[Page]]()

# What stands over the window's edge. A table that can be moved sideways is allowed to, and what lies folded
# away beside the window, as Streamlit's sidebar does, is not seen.
TOO_WIDE = """() => {
    const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
        && element.scrollWidth > element.clientWidth && element.dataset.testid !== 'stMain';
    const isInside = element => element && (scrolls(element) || isInside(element.parentElement));
    return Array.from(document.querySelectorAll('main *'))
        .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
        .filter(element => element.checkVisibility() && !isInside(element))
        .map(element => element.outerHTML.slice(0, 120));
}"""
WIDTHS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .map(element => element.scrollWidth)"""

expect.set_options(timeout=ANSWER_WITHIN_MS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of what a test that fails has in its windows."""
    report = yield
    if call.when == "call" and report.failed and isinstance(item, pytest.Function):
        windows: Iterable[Page] = item.stash.get(PAGES, ())
        for number, page in enumerate(windows):
            report.sections.append((f"window {number}, at {page.url}", _kept(page, item, number)))
    return report


def _kept(page: Page, item: pytest.Function, number: int) -> str:
    path = Path(str(item.funcargs["tmp_path"])) / f"window-{number}.png"
    try:
        page.screenshot(path=path, full_page=True)
    except Error as error:
        return f"There is no picture of it: {error.message}"
    return f"It is in {path}"


class Visitor:
    """Somebody with a browser of their own, at one of the pages."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.main = page.get_by_role("main")

    @property
    def gallery(self) -> Locator:
        """The gallery's pictures."""
        return self.page.get_by_role("img", name=re.compile(r"\d .* 3"))

    @property
    def bars(self) -> Locator:
        """The list of classes under each picture."""
        return self.main.get_by_role("list").filter(has_text="%")

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert").first

    def button(self, name: str) -> Locator:
        return self.main.get_by_role("button", name=name)

    def sees_three(self) -> list[str]:
        """Wait until the gallery is there with its answers, and tell what it shows."""
        expect(self.gallery).to_have_count(COUNT)
        expect(self.bars).to_have_count(COUNT)
        return [str(each.get_attribute("alt")).rpartition(": ")[2] for each in self.gallery.all()]

    def sees_three_but_not(self, titles: list[str]) -> list[str]:
        """The same, once none of those is there any more."""
        for title in titles:
            expect(self.page.get_by_alt_text(title)).to_have_count(0)
        return self.sees_three()

    def shuffles(self) -> None:
        self.button("Shuffle & predict").click()

    def presses_tab_until(self, target: Locator) -> None:
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"The Tab key does not lead to {target}.")

    def waits(self) -> "Visitor":
        """Until the page has drawn all that it has to draw."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        come_to_rest(self.page)
        return self

    def does_not_scroll_sideways(self) -> None:
        self.waits()
        width = self.page.evaluate("innerWidth")
        assert self.page.evaluate(WIDTHS) == [width, width]
        assert self.page.evaluate(TOO_WIDE) == []

    def hands_in(self, *files: Any) -> None:
        """Choose files for the uploader: paths, or what Playwright takes in their place."""
        self.page.locator("input[type=file]").first.set_input_files(list(files))


@pytest.fixture(scope="session")
def _browser_is_there() -> None:
    need("chromium")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the service keeps its records."""
    return tmp_path_factory.mktemp("records") / "records.db"


@pytest.fixture(scope="session")
def _demo(
    _browser_is_there: None, tmp_path_factory: pytest.TempPathFactory, database: Path
) -> Iterator[Demo]:
    logs = tmp_path_factory.mktemp("logs")
    with demo(logs, workers="1", drain_ms="0", database_url=f"sqlite:///{database}") as both:
        yield both
    assert "Traceback" not in both.page.log.read_text()


@pytest.fixture
def running(_demo: Demo) -> Iterator[Demo]:
    """Both services, started once; a test during which the page logs a traceback fails."""
    before = len(_demo.page.log.read_text())
    yield _demo
    written = _demo.page.log.read_text()[before:]
    assert "Traceback" not in written, written


@pytest.fixture(scope="module")  # Playwright keeps a loop in this thread, in which other tests run theirs
def browser(_browser_is_there: None) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(
    browser: Browser, running: Demo, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Visitor]]:
    """Open a path, or another address, in a browser of its own: what Playwright's `new_context` takes."""
    assert tmp_path.is_dir()  # where a failure's pictures go
    pages: list[Page] = []
    request.node.stash[PAGES] = pages

    def begin(path: str = "", **options: Any) -> Visitor:
        context = browser.new_context(**(WINDOW | options))
        context.set_default_timeout(ANSWER_WITHIN_MS)
        pages.append(page := context.new_page())
        page.goto(path if "://" in path else f"{running.page.address}/{path}")
        return Visitor(page)

    yield begin
    for page in pages:
        page.context.close()


@pytest.fixture
def visit_by_phone(visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """The same with a telephone."""
    return lambda path="", **options: visit(path, **(PHONE | options))


@pytest.fixture
def pictures() -> Callable[[int], list[dict[str, Any]]]:
    """Make so many files as Playwright takes them: the gallery's drawings, no two of the same size."""
    drawings = find_pictures(OUR_PICTURES)

    def make(count: int) -> list[dict[str, Any]]:
        return [
            {
                "name": f"picture-{number:02}.jpg",
                "mimeType": "image/jpeg",
                "buffer": _jpeg(drawings[number % len(drawings)], width=240 + number),
            }
            for number in range(count)
        ]

    return make


def _jpeg(path: Path, width: int) -> bytes:
    packed = BytesIO()
    with Image.open(path) as drawing:
        drawing.resize((width, 240)).save(packed, "JPEG")
    return packed.getvalue()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so that no page tells; a test that waits for what never comes fails."""

    def wait(is_so: Callable[[], bool]) -> None:
        limit = time.monotonic() + ANSWER_WITHIN_MS / 1000
        while not is_so():
            assert time.monotonic() < limit, "It never came to be."
            time.sleep(0.05)

    return wait
