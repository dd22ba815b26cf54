"""A step of make: a line where it goes well, its own last words where it does not."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

STEP = Path(__file__).parents[2] / "tools/step.py"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def step(tmp_path: Path) -> Run:
    """Run a step in an empty folder."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(STEP), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


def test_it_is_a_line_with_its_seconds_and_megabytes(step: Run, tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    fill = "import sys; print('a page of its own'); open('into/file', 'wb').write(bytes(3_000_000))"

    ended = step("--into", "into", "Filling a folder", sys.executable, "-c", fill)

    assert ended.returncode == 0
    assert re.fullmatch(r"Filling a folder \.\.\. \d+\.\d s, 3 MB\n", ended.stdout)
    assert ended.stderr == ""
    assert (tmp_path / "build/logs/filling-a-folder.log").read_text() == "a page of its own\n"


def test_one_that_fails_shows_its_last_lines_and_how_to_run_it_by_hand(step: Run, tmp_path: Path) -> None:
    fail = "import sys; [print(f'line {n}', flush=True) for n in range(50)]; sys.exit('no space left')"

    ended = step("Copying", sys.executable, "-c", fail)

    assert ended.returncode == 1
    assert "Copying ... failed after " in ended.stdout
    assert "    line 31\n" in ended.stdout
    assert "line 30\n" not in ended.stdout
    assert "    no space left\n" in ended.stdout
    assert ended.stdout.rstrip().endswith("'")
    by_hand = ended.stdout.rpartition(f"The same by hand, in {tmp_path}:\n\n")[2].strip()
    again = subprocess.run(by_hand, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - as printed
    assert (again.returncode, again.stderr) == (1, "no space left\n")


def test_one_that_a_signal_ends_has_the_shells_status(step: Run) -> None:
    assert step("Ending", "sh", "-c", "kill -TERM $$").returncode == 143
