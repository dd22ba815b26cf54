"""The README's picture of the page: `make screenshot`, with the demo running and Chromium installed."""

import sys

from playwright.sync_api import sync_playwright

# The switches keep Chromium from looking for its makers' servers, and let it run as root in a container.
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def screenshot(address: str, file: str) -> None:
    """Write the gallery, with its three answers drawn, as a PNG file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        page = browser.new_page(viewport={"width": 1040, "height": 660}, color_scheme="light")
        page.goto(address)
        page.get_by_text("Answered by").wait_for()
        page.wait_for_function("Array.from(document.images).every(picture => picture.complete)")
        page.wait_for_timeout(500)  # the bars grow
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    screenshot(*sys.argv[1:])
