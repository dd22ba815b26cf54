import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from benchmarks import page, visits
from benchmarks.browser import chromium, find_chromium
from benchmarks.errors import BrowserMissing, PageFailed, SystemFailed
from benchmarks.page import write_pictures
from benchmarks.page_results import AGAIN, BEFORE, SHOWN, START, PageResults
from benchmarks.visits import Visit
from PIL import Image
from tests.left_out import need
from typer.testing import CliRunner, Result

# A page that behaves as ours does, as far as a visit sees it.
PAGE = """
<!doctype html><div data-testid="stApp" data-test-script-state="notRunning">
<h1>Your pictures</h1><button>Zip</button><input type="file" multiple><p id="said"></p></div>
<script>
const said = document.querySelector('#said');
document.querySelector('input').onchange = ({target}) => {
    const count = target.files[0].name.endsWith('.zip') ? 3 : target.files.length;
    said.innerHTML = `<strong>${count} pictures</strong>MORE <button>Clear</button>`;
    said.querySelector('button').onclick = () => { said.innerHTML = ''; target.value = ''; };
};
</script>
"""


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the page is; a parameter stands behind the number of pictures."""
    body = PAGE.replace("MORE", getattr(request, "param", "")).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def _browser_is_there() -> None:
    need("chromium")


@pytest.fixture
def visit(_browser_is_there: None, address: str) -> Iterator[Visit]:
    with chromium() as opened:
        yield Visit.to(opened.new_page(), address)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return write_pictures(tmp_path / "no-photos", tmp_path / "pictures", 25)


def test_where_there_is_no_chromium_that_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(BrowserMissing, match="apt-get install chromium"):
        find_chromium()


def test_there_are_as_many_pictures_as_were_asked_for_all_of_one_size(files: list[Path]) -> None:
    assert len(files) == len(set(files)) == 25
    for each in files:
        with Image.open(each) as picture:
            assert (picture.format, picture.size) == ("JPEG", (500, 375))


def test_a_visit_ends_when_all_are_answered_and_can_be_made_again(visit: Visit, files: list[Path]) -> None:
    assert 0 < visit.hand_in(files, len(files)) < 30
    visit.clear(len(files))
    assert 0 < visit.hand_in(files, len(files)) < 30


@pytest.mark.parametrize("address", ["Failed 1"], indirect=True)
def test_a_page_on_which_something_failed_is_not_measured(visit: Visit, files: list[Path]) -> None:
    with pytest.raises(PageFailed, match="failed"):
        visit.hand_in(files, len(files))


def test_a_page_that_never_has_all_answers_is_reported(
    visit: Visit, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "PATIENCE_S", 0.2)
    monkeypatch.setattr(Visit, "_counted", lambda self, _: self.page.get_by_text("999 pictures"))
    visit.page.set_default_timeout(200)

    with pytest.raises(PageFailed, match="does not say that 25 pictures are answered"):
        visit.hand_in(files, len(files))


MEASURED = PageResults(
    pictures=200,
    command=(2, 4, 3),
    page=(3, 3.6, 9),
    megabytes={START: 100.0, BEFORE: 120.0, SHOWN: 125.0, AGAIN: 121.0},
    thumbnails=7.0,
)


def test_the_ratio_is_that_of_the_medians_and_has_an_aim() -> None:
    assert MEASURED.ratio == pytest.approx(1.2)
    assert [each.met for each in MEASURED.verdicts()] == [True, True, True]
    assert [each.word for each in replace(MEASURED, page=(4.0, 4.0, 4.0)).verdicts()] == [
        "missed",
        "met",
        "met",
    ]


def test_the_page_may_grow_by_what_it_shows_and_no_more() -> None:
    grown = replace(MEASURED, megabytes={START: 100.0, BEFORE: 120.0, SHOWN: 127.0, AGAIN: 127.1})

    assert [each.met for each in grown.verdicts()] == [True, True, False]


def test_the_tables_have_every_round_and_every_moment() -> None:
    told = MEASURED.markdown()

    assert "| the page | 3.60 | 3.00, 3.60, 9.00 |" in told
    assert "| the pictures are shown | 125.0 |" in told
    assert "| the small copies that it shows | 7.0 |" in told


@pytest.fixture
def measure(
    _browser_is_there: None, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run the benchmark with the page above in place of ours and a command that prints so many lines."""

    def begin(lines: int, *arguments: str) -> Result:
        command = tmp_path / "command"
        command.write_text(f"#!/bin/sh\nfor each in $(seq {lines}); do echo $each; done\n")
        command.chmod(0o755)
        both = SimpleNamespace(page=SimpleNamespace(address=address, pid=os.getpid()))

        @contextmanager
        def fake_demo(*_: object) -> Iterator[Any]:
            yield both

        monkeypatch.setattr(page, "demo", fake_demo)
        monkeypatch.setattr(page, "installed", lambda _: str(command))
        monkeypatch.setattr(page, "_REST_S", 0.01)
        paths = ("--photos", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--count", "3")
        return CliRunner().invoke(page.app, [*paths, *arguments])

    return begin


def test_the_benchmark_prints_its_tables_and_its_verdicts(measure: Callable[..., Result]) -> None:
    result = measure(3)

    assert result.exit_code == 0, result.output
    assert "**3 pictures of 500 x 375**" in result.output
    assert "handed in and cleared five times" in result.output
    assert result.output.count("page: ") == 1 + 3 + 2
    assert result.output.count("command line: ") == 3


def test_the_pictures_can_be_handed_in_as_one_zip(measure: Callable[..., Result], tmp_path: Path) -> None:
    result = measure(3, "--zip")

    assert result.exit_code == 0, result.output
    with ZipFile(tmp_path / "out/pictures.zip") as packed:
        assert packed.namelist() == ["000.jpg", "001.jpg", "002.jpg"]


def test_with_assert_a_missed_aim_is_a_failure(
    measure: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageResults, "ratio", 1.31)
    assert measure(3).exit_code == 0

    result = measure(3, "--assert")

    assert result.exit_code == 1
    assert "missed    3 pictures: the page's time to the command line's: 1.31 (under 1.3)" in result.output


def test_a_command_that_did_not_predict_all_pictures_is_not_measured(measure: Callable[..., Result]) -> None:
    assert isinstance(measure(2).exception, SystemFailed)


def test_what_stops_it_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise BrowserMissing("There is no Chromium.")

    monkeypatch.setattr(page, "app", fail)

    with pytest.raises(SystemExit) as ended:
        page.run()

    assert ended.value.code == 1
    assert capsys.readouterr().err == "Error: There is no Chromium.\n"


def test_the_command_has_a_help_page() -> None:
    line = [sys.executable, "-m", "benchmarks.page", "--help"]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours

    assert "--assert" in told
