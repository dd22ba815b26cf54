"""Debian's Chromium, driven through the pages; it asks nobody but them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from .errors import BrowserMissing

# The switches keep Chromium from looking for its makers' servers, and let it run as root in a container.
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

AT_REST = """() =>
    document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale=true], [data-testid=stSpinner], [data-testid=stSkeleton]')
    && Array.from(document.images).every(picture => picture.complete)
"""


def find_chromium() -> Path:
    """Where Chromium is: if it is there the one without windows, which draws in three quarters of the time.

    Raises:
        BrowserMissing: it is nowhere.
    """
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None:
        raise BrowserMissing("There is no Chromium on this machine: apt-get install chromium.")
    return Path(found)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window.

    Raises:
        BrowserMissing: it is not there.
    """
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def come_to_rest(page: Page, timeout_s: float = 30) -> None:
    """Wait until the page has drawn everything that it has to draw, its pictures too."""
    page.wait_for_function(AT_REST, timeout=timeout_s * 1000)
