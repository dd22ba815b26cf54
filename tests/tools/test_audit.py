"""What is made of pip-audit's answers, with one that answers as it is told to."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PIP_AUDIT = """\
#!/bin/sh
case "$*" in
    *known.txt) echo "pillow 10.3 CVE-2024-28219 10.3.0"; exit 1 ;;
    *away.txt) echo "Traceback"; echo "requests.exceptions.ConnectionError: no name service"; exit 1 ;;
    *) echo "No known vulnerabilities found" ;;
esac
"""


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        (["fine.txt"], 0, "fine.txt: nothing known\n"),
        (
            ["known.txt", "fine.txt"],
            1,
            "known.txt:\npillow 10.3 CVE-2024-28219 10.3.0\nfine.txt: nothing known\n",
        ),
        (
            ["fine.txt", "away.txt"],
            75,
            (
                "fine.txt: nothing known\n"
                "The vulnerability database cannot be reached, so nothing was audited: "
                "requests.exceptions.ConnectionError: no name service\n"
            ),
        ),
    ],
)
def test_what_is_known_is_a_failure_and_what_cannot_be_known_another(
    tmp_path: Path, files: list[str], status: int, said: str
) -> None:
    (tmp_path / "pip-audit").write_text(PIP_AUDIT)
    (tmp_path / "pip-audit").chmod(0o755)

    ended = subprocess.run(  # noqa: S603 - our own script
        [str(ROOT / "tools/audit"), *files],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PIP_AUDIT": str(tmp_path / "pip-audit")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (status, said)


def test_what_is_let_pass_has_a_reason() -> None:
    lines = (ROOT / "requirements/audit.ignored").read_text().splitlines()

    assert lines[0].startswith("#")
    assert all(len(line.split()) > 3 for line in lines[1:])
