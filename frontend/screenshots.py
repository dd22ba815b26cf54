"""Pictures of every page, `make screenshots`: wide and narrow, light and dark, and those in the READMEs.

What is on them are the project's own drawings.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer
from benchmarks.browser import chromium, come_to_rest
from benchmarks.demo import demo
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page

from muffin_v_chihuahua.gallery import OUR_PICTURES, find_pictures

SIZES = {1280: 900, 390: 844}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
THREE = ("chihuahua/fawn-orange-bandana.jpg", "muffin/blueberry-face.jpg", "muffin/almond-raisin.jpg")
NO_PICTURE: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Rex is a muffin."}
PATIENCE_MS = 60_000


def gallery(page: Page, address: str) -> None:
    """Three pictures, always the same."""
    page.goto(f"{address}/?{'&'.join(f'picture={title}' for title in THREE)}")
    page.get_by_text("Answered by").wait_for()


def why(page: Page, address: str) -> None:
    """What spoke for each class in the first of them."""
    gallery(page, address)
    page.get_by_role("button", name="Why?").first.click()
    page.get_by_role("dialog").get_by_role("img", name="spoke for").first.wait_for()


def your_pictures(page: Page, address: str) -> None:
    """Some drawings, and a file that is none, with their answers."""
    page.goto(f"{address}/your-pictures")
    page.get_by_role("heading", level=1).wait_for()
    come_to_rest(page)
    files = [*map(payload, find_pictures(OUR_PICTURES)[::2]), NO_PICTURE]
    page.locator("input[type=file]").first.set_input_files(files)
    page.locator("strong", has_text=f"{len(files)} pictures").wait_for()


def payload(path: Path) -> FilePayload:
    """A drawing as the uploader takes it."""
    return {"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()}


def table(page: Page, address: str) -> None:
    """The same as a table."""
    your_pictures(page, address)
    page.get_by_text("Table", exact=True).click()
    page.get_by_role("main").get_by_role("region", name="pictures with what came").wait_for()


def model(page: Page, address: str) -> None:
    """The model's card."""
    page.goto(f"{address}/model")
    page.get_by_role("heading", level=1).wait_for()


def service(page: Page, address: str) -> None:
    """What the service has done, once the page has looked more than once."""
    page.goto(f"{address}/service")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(5000)


VIEWS: Mapping[str, Callable[[Page, str], None]] = {
    "gallery": gallery,
    "your-pictures": your_pictures,
    "table": table,
    "why": why,
    "model": model,
    "service": service,
}
SHOWN = {
    "gallery": ("page.png", 760),
    "your-pictures": ("your-pictures.png", 1160),
    "why": ("why.png", 560),
    "service": ("service.png", 900),
}
"""Those that the READMEs show: their files, and how high they are."""
SHOWN_WIDTH = 1040


@contextmanager
def the_demo(at: str | None) -> Iterator[str]:
    """The address of the pages: of those that run already, or of some that are started for this."""
    if at is not None:
        yield at.rstrip("/")
        return
    with (
        TemporaryDirectory() as folder,
        demo(Path(folder), workers="1", database_url=f"sqlite:///{folder}/records.db") as both,
    ):
        yield both.page.address


def window(browser: Browser, width: int, height: int, scheme: Scheme) -> Page:
    """A new one, of this size and by day or by night."""
    return browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-US")


def shot(page: Page, view: str, address: str, *, whole: bool) -> bytes:
    """A PNG of what the window shows of a page or, with a higher window, of the whole page."""
    page.set_default_timeout(PATIENCE_MS)
    VIEWS[view](page, address)
    settle(page)
    size = page.viewport_size
    if whole and size:
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], scrolled_height(page))})
        settle(page)
    taken = page.screenshot()
    page.close()
    return taken


def settle(page: Page) -> None:
    """Wait until everything is drawn, and what slides or fades in has done so."""
    come_to_rest(page)
    page.wait_for_timeout(500)


def scrolled_height(page: Page) -> int:
    """How high the window has to be for all of the page: Streamlit scrolls a part of it, not the document."""
    return int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))


def small(png: bytes) -> bytes:
    """The same picture in 256 colours, which is a third of the bytes."""
    packed = BytesIO()
    with Image.open(BytesIO(png)) as opened:
        opened.convert("RGB").quantize(256).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main(
    *,
    at: Annotated[str | None, typer.Option(help="Pages that run already; unset: they are started.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for all of them.")] = Path("build/screenshots"),
    shown: Annotated[Path, typer.Option(help="The folder for those in the READMEs.")] = Path("frontend"),
) -> None:
    """Take them all."""
    out.mkdir(parents=True, exist_ok=True)
    with the_demo(at) as address, chromium() as browser:
        for view, width, scheme in product(VIEWS, SIZES, SCHEMES):
            page = window(browser, width, SIZES[width], scheme)
            file = out / f"{view}-{width}-{scheme}.png"
            file.write_bytes(shot(page, view, address, whole=view != "why"))
            typer.echo(file)
        for view, (name, height) in SHOWN.items():
            page = window(browser, SHOWN_WIDTH, height, "light")
            (shown / name).write_bytes(small(shot(page, view, address, whole=False)))
            typer.echo(shown / name)


if __name__ == "__main__":
    typer.run(main)
