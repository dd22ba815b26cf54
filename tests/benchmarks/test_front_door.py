"""How the front door is measured, with a repository whose demo is a few lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import front_door
from benchmarks.errors import SystemFailed
from benchmarks.front_door import Fresh, FrontDoor, measure, ratios, table

DEMO = """\
demo:
\t@{python} demo.py $(SERVICE_PORT)
"""
ANSWERS = """\
import http.server, pathlib, signal, sys

class Predict(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

pathlib.Path("installed").write_bytes(bytes(3_000_000))
pathlib.Path("another-name").hardlink_to("installed")
pathlib.Path.home().joinpath("cache").write_bytes(bytes(1_000_000))
signal.signal(signal.SIGINT, lambda *_: sys.exit())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Predict).serve_forever()
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in place of this one, with a demo that answers at once; no pip is fetched for it."""
    root = tmp_path / "repository"
    picture = root / front_door._PICTURE  # it is what is sent
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    (root / "Makefile").write_text(DEMO.format(python=sys.executable))
    monkeypatch.setattr(front_door, "ROOT", root)
    run = Fresh.run

    def without_pip(it: Fresh, *command: str) -> None:
        if command[0] == "git":
            run(it, *command)

    monkeypatch.setattr(Fresh, "run", without_pip)
    return root


def commit(root: Path, program: str) -> None:
    (root / "demo.py").write_text(program)
    who = {
        f"GIT_{role}_{what}": "somebody@here"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    for line in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "a demo")):
        subprocess.run(("git", *line), cwd=root, env=os.environ | who, check=True)  # noqa: S603, S607 - the user's git


def test_the_time_to_the_first_answer_and_what_was_written_until_then_are_measured(repository: Path) -> None:
    commit(repository, ANSWERS)

    found = measure("HEAD", sys.executable)

    assert found.megabytes == pytest.approx(4, abs=0.1)  # a file with two names counts once
    assert found.files == 2
    assert found.seconds > 0


def test_a_demo_that_ends_is_no_measurement(repository: Path) -> None:
    commit(repository, "raise SystemExit('no network')")

    with pytest.raises(SystemFailed, match=r"`make demo` did not answer; what it said is in .*\.") as failed:
        measure("HEAD", sys.executable)

    log = Path(str(failed.value).rpartition(" ")[2].rstrip("."))
    assert "no network" in log.read_text()
    log.unlink()


def test_the_table_has_medians_and_their_ratios() -> None:
    earlier = [FrontDoor(100, 4000, 70_000), FrontDoor(300, 4000, 70_000), FrontDoor(120, 4100, 70_010)]
    now = [FrontDoor(30, 800, 20_000)]

    assert ratios(earlier, now) == (0.25, 0.2)
    assert table({"abc": earlier, "HEAD": now}).splitlines()[2:] == [
        "| abc | 120.0 | 4,000 | 70,000 |",
        "| HEAD | 30.0 | 800 | 20,000 |",
        "| to that | 0.25 x | 0.20 x | |",
    ]
