import csv
import io
import re
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.demo import page_for
from benchmarks.systems import HOST
from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    from benchmarks.demo import Demo
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
Files = list[dict[str, Any]]
Pictures = Callable[[int], Files]

NO_PICTURES: Files = [
    {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Rex is a muffin.\n"},
    {"name": "renamed.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7 no picture either"},
    {"name": "empty.png", "mimeType": "image/png", "buffer": b""},
]

# What a browser does when somebody copies a picture elsewhere.
COPY = """async encoded => {
    const answer = await fetch(`data:image/png;base64,${encoded}`);
    await navigator.clipboard.write([new ClipboardItem({'image/png': await answer.blob()})]);
}"""


def rows_of(visitor: "Visitor") -> list[dict[str, str]]:
    """The answers as the page gives them away: every file's row of the CSV."""
    with visitor.waits().page.expect_download() as download:  # a file of a run before is no longer there
        visitor.button("CSV").click()
    return list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))


def counted(visitor: "Visitor", *words: str) -> None:
    """The line that sums up has all of these in it."""
    for each in words:
        expect(visitor.main.get_by_text(re.compile(f"{each}( |$)")).first).to_be_visible()


class Gate(ThreadingHTTPServer):
    """Stands before the service; while it is shut, no prediction is let through."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_open = threading.Event()
        super().__init__((HOST, 0), Passing)


class Passing(BaseHTTPRequestHandler):
    server: Gate

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.is_open.wait(30)
        self._pass_on(body)

    def _pass_on(self, body: bytes | None = None) -> None:
        with closing(HTTPConnection(HOST, self.server.port, timeout=30)) as behind:
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            self.send_response(answer.status)
            self.end_headers()
            self.wfile.write(answer.read())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gate(running: "Demo") -> Iterator[Gate]:
    """A gate before the service, shut."""
    with Gate(running.service.port) as gate:
        threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield gate
        gate.is_open.set()
        gate.shutdown()


@pytest.fixture
def behind_gate(gate: Gate, tmp_path: Path) -> Iterator[str]:
    """The address of pages that ask the service through the gate."""
    page = page_for(f"http://{HOST}:{gate.server_address[1]}", tmp_path / "page.log")
    try:
        page.start()
        yield page.address
    finally:
        page.stop()
    assert "Traceback" not in page.log.read_text()


def test_of_thirty_files_the_pictures_are_answered_and_the_others_say_why_not(
    visit: Visit, pictures: Pictures
) -> None:
    visitor = visit("your-pictures").waits()
    files = pictures(27)

    visitor.hands_in(*files[:9], *NO_PICTURES, *files[9:])

    counted(visitor, "30 pictures", "Failed 3")
    rows = {row["name"]: row for row in rows_of(visitor)}
    assert rows.keys() == {each["name"] for each in [*files, *NO_PICTURES]}
    assert all(rows[each["name"]]["verdict"] and not rows[each["name"]]["error"] for each in files)
    assert all(rows[each["name"]]["error"] and not rows[each["name"]]["verdict"] for each in NO_PICTURES)


def test_files_that_failed_can_be_seen_alone_each_with_its_sentence(visit: Visit, pictures: Pictures) -> None:
    visitor = visit("your-pictures").waits()
    visitor.hands_in(*pictures(2), *NO_PICTURES)
    counted(visitor, "5 pictures")
    expect(visitor.bars).to_have_count(2)

    visitor.button("Failed").or_(visitor.main.get_by_role("checkbox", name="Failed")).click()

    expect(visitor.bars).to_have_count(0)
    expect(visitor.page.get_by_role("alert")).to_have_count(len(NO_PICTURES))
    for each in NO_PICTURES:
        expect(visitor.main.get_by_text(each["name"])).to_be_visible()


def test_the_pictures_of_a_zip_are_answered(visit: Visit, pictures: Pictures) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each in pictures(4):
            archive.writestr(f"holiday/{each['name']}", each["buffer"])
        archive.writestr("__MACOSX/holiday/._picture-00.jpg", b"for nobody")
    visitor = visit("your-pictures").waits()

    visitor.page.get_by_text("Zip", exact=True).click()
    expect(visitor.main.get_by_text("Drop zips")).to_be_visible()
    visitor.hands_in({"name": "holiday.zip", "mimeType": "application/zip", "buffer": packed.getvalue()})

    counted(visitor, "4 pictures")
    expect(visitor.bars).to_have_count(4)


def test_a_picture_can_be_pasted(visit: Visit) -> None:
    packed = io.BytesIO()
    Image.new("RGB", (64, 48), "tan").save(packed, "PNG")
    visitor = visit("your-pictures", permissions=["clipboard-read", "clipboard-write"]).waits()
    visitor.page.evaluate(COPY, b64encode(packed.getvalue()).decode())

    visitor.page.get_by_placeholder("paste").click()
    visitor.page.keyboard.press("Control+V")
    expect(visitor.page.get_by_role("button", name="Send message")).to_be_enabled()
    visitor.page.keyboard.press("Enter")

    expect(visitor.bars).to_have_count(1)


def test_a_long_wait_can_be_cancelled_and_gone_on_with_and_nothing_is_lost(
    visit: Visit, pictures: Pictures, gate: Gate, behind_gate: str
) -> None:
    visitor = visit(f"{behind_gate}/your-pictures").waits()
    visitor.hands_in(*pictures(20))
    expect(visitor.main.get_by_text("0 of 20")).to_be_visible()

    visitor.button("Cancel").click()
    expect(visitor.main.get_by_text("20 pictures have no answer yet")).to_be_visible()
    gate.is_open.set()
    visitor.button("Go on").click()

    counted(visitor, "20 pictures")
    assert len({row["name"] for row in rows_of(visitor) if row["verdict"]}) == 20


def test_a_cleared_list_is_empty_and_takes_other_pictures(visit: Visit, pictures: Pictures) -> None:
    visitor = visit("your-pictures").waits()
    visitor.hands_in(*pictures(3))
    expect(visitor.bars).to_have_count(3)

    visitor.button("Clear").click()
    expect(visitor.bars).to_have_count(0)
    visitor.hands_in(*pictures(2))

    expect(visitor.bars).to_have_count(2)


def test_the_answers_can_be_seen_as_a_table(visit: Visit, pictures: Pictures) -> None:
    visitor = visit("your-pictures").waits()
    visitor.hands_in(*pictures(3))
    expect(visitor.bars).to_have_count(3)

    visitor.page.get_by_text("Table", exact=True).click()

    expect(visitor.main.get_by_role("region", name="3 pictures")).to_be_visible()
    expect(visitor.bars).to_have_count(0)
