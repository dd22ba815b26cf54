"""Which Python the environments are made with, found on a PATH of stand-ins."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FIND = Path(__file__).parents[2] / "tools/find-python"

Find = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pythons(tmp_path: Path) -> Callable[[dict[str, str]], None]:
    """Write commands: what `python -c …` prints by each name; an empty text is a command that fails."""

    def write(found: dict[str, str]) -> None:
        for name, said in found.items():
            command = tmp_path / name
            command.write_text(f"#!/bin/sh\necho '{said}'\n" if said else "#!/bin/sh\nexit 127\n")
            command.chmod(0o755)

    return write


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Run it with nothing but those commands and the system's own tools."""
    for name in ("sh", "sed", "sort", "head"):
        (tmp_path / name).symlink_to(
            next(path for path in (Path("/usr/bin") / name, Path("/bin") / name) if path.exists())
        )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own script
            [str(FIND), *arguments], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize(
    ("found", "best"),
    [
        ({"python3.11": "whole 3.11 /a", "python3.13": "whole 3.13 /b", "python3": "whole 3.11 /a"}, "/b"),
        ({"python3": "whole 3.14 /conda", "python3.12": "whole 3.12 /c"}, "/conda"),
        ({"python3.14": "", "python3.9": "other 3.9 /no", "python3.12": "whole 3.12 /c"}, "/c"),
        ({"python3.13": "lacking 3.13 /b", "python3.11": "whole 3.11 /a"}, "/a"),
        ({"python": "whole 3.11 /with a space"}, "/with a space"),
    ],
)
def test_the_newest_that_can_make_environments_is_found(
    pythons: Callable[[dict[str, str]], None], find: Find, found: dict[str, str], best: str
) -> None:
    pythons(found)

    assert find().stdout == f"{best}\n"


@pytest.mark.parametrize(
    ("found", "arguments", "sentence"),
    [
        ({}, [], "There is no Python from 3.11 to 3.14; install it ("),
        ({"python3": "other 3.15 /f"}, [], "There is no Python from 3.11 to 3.14; install it ("),
        (
            {"python3": "lacking 3.13 /b"},
            [],
            "Python 3.13 has no venv module; on Debian and Ubuntu: sudo apt-get install python3.13-venv",
        ),
        (
            {"python3.11": "whole 3.11 /a"},
            ["python3.12"],
            "python3.12 is no Python from 3.11 to 3.14; install it (",
        ),
    ],
)
def test_where_there_is_none_it_says_so_in_one_sentence(
    pythons: Callable[[dict[str, str]], None],
    find: Find,
    found: dict[str, str],
    arguments: list[str],
    sentence: str,
) -> None:
    pythons(found)

    ended = find(*arguments)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(sentence)
    assert ended.stderr.count("\n") == 1


def test_this_python_is_one(find: Find) -> None:
    ended = find(sys.executable)

    assert ended.stdout == f"{sys.executable}\n"
    assert os.access(ended.stdout.strip(), os.X_OK)
