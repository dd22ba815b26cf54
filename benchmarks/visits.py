"""A visitor of the page Your pictures, who hands in many files and waits until all are answered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Error, Locator, Page

from .browser import come_to_rest
from .errors import PageFailed

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Visit:
    """One visitor with the page open."""

    page: Page

    @classmethod
    def to(cls, page: Page, address: str) -> "Visit":
        """Open the page, and wait until it can be used."""
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(f"{address}/your-pictures?lang=en")
        page.get_by_role("heading", level=1).wait_for()
        come_to_rest(page)
        return cls(page)

    def choose(self, way_in: str) -> None:
        """Hand in by another way than as files from now on."""
        self.page.get_by_role("radio", name=way_in).or_(self.page.get_by_role("button", name=way_in)).click()
        come_to_rest(self.page)

    def hand_in(self, files: Sequence[Path], count: int) -> float:
        """The seconds from the files being chosen until the page shows that so many pictures are answered.

        Raises:
            PageFailed: it does not show that in time, or one of them failed.
        """
        began = perf_counter()
        self.page.locator("input[type=file]").first.set_input_files(list(files))
        try:
            self._counted(count).wait_for()
        except Error as error:
            raise PageFailed(f"The page does not say that {count} pictures are answered.") from error
        seconds = perf_counter() - began
        if self.page.get_by_text("Failed").count():
            raise PageFailed("The page says that some of the pictures failed.")
        return seconds

    def clear(self, count: int) -> None:
        """Let the page forget so many pictures."""
        self.page.get_by_role("button", name="Clear").click()
        self._counted(count).wait_for(state="detached")
        come_to_rest(self.page)

    def rest(self, seconds: float) -> None:
        """Do nothing, as long as it takes until whatever the page let go of has been given back."""
        self.page.wait_for_timeout(seconds * 1000)

    def _counted(self, count: int) -> Locator:
        return self.page.locator("strong").filter(has_text=re.compile(f"^{count:,} pictures$"))
