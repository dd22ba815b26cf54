"""How the suite says what it left out: runs of a few tests that need things."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONFTEST = """\
import tests.left_out
from tests.left_out import pytest_addoption, pytest_configure, pytest_runtest_setup
tests.left_out.TOOLS["axe-core"].__dict__["is_here"] = lambda: False
"""
TESTS = """\
import pytest

def test_that_needs_nothing():
    pass

@pytest.mark.needs("photographs")
@pytest.mark.parametrize("number", range(3))
def test_of_photographs(number):
    raise AssertionError

@pytest.mark.needs("chromium")
def test_in_a_browser():
    raise AssertionError

@pytest.mark.needs("axe-core")
def test_of_a_page():
    raise AssertionError

@pytest.mark.needs("linux")
def test_that_needs_what_is_here():
    pass
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run those tests where neither a browser nor photographs nor axe-core are."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_them.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "COVERAGE_")) and name != "PHOTOS_DIR"
    }

    def start(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env=outside | {"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


@pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["one process", "two"])
def test_the_last_lines_say_what_was_left_out_and_the_one_command_that_brings_it(
    run: Run, parallel: tuple[str, ...]
) -> None:
    ended = run(*parallel)

    assert ended.returncode == 0
    *_, photographs, chromium, axe, command, summary = filter(None, ended.stdout.splitlines())
    assert {photographs, chromium, axe} == {
        "3 tests or files of tests need photographs.",
        "1 tests or files of tests need Chromium.",
        "1 tests or files of tests need axe-core.",
    }
    assert command == (
        "With all: sudo apt-get install chromium npm && npm ci --prefix tests/e2e "
        "&& make test PHOTOS_DIR=/path/to/photos"
    )
    assert re.search(r"2 passed, 5 skipped", summary)


@pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["one process", "two"])
def test_with_no_skips_what_is_not_allowed_is_a_failure_and_named(
    run: Run, parallel: tuple[str, ...]
) -> None:
    ended = run("--no-skips", *parallel)

    assert ended.returncode == 1
    failures = {line for line in ended.stdout.splitlines() if line.startswith("That is a failure here")}
    assert failures == {
        "That is a failure here: test_them.py::test_in_a_browser (needs chromium)",
        "That is a failure here: test_them.py::test_of_a_page (needs axe-core)",
    }
    assert run("--no-skips", "--without", "chromium", "--without", "axe-core", *parallel).returncode == 0


def test_a_skip_that_names_no_tool_is_a_failure_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('not today')\n")

    ended = run("--no-skips")

    assert ended.returncode == 1
    assert "That is a failure here: test_them.py::test_it (not today)" in ended.stdout


def test_without_skips_nothing_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text("def test_it():\n    pass\n")

    ended = run("--no-skips")

    assert ended.returncode == 0
    assert "left out" not in ended.stdout
