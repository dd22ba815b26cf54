"""Run a step of make: its name while it runs, then its seconds and megabytes; its own words only if it fails.

`python step.py [--into FOLDER] NAME COMMAND…`: FOLDER is what the step fills. What the command prints is kept
in `build/logs`. The status is the command's.
"""

import argparse
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

LOGS = Path("build/logs")
LAST_LINES = 20


def megabytes(folder: Path) -> float:
    """Size of the files below a folder in MB of 10^6 bytes; links are not followed."""
    return sum(each.lstat().st_size for each in folder.rglob("*") if not each.is_dir()) / 1e6


def run(name: str, into: Path | None, command: list[str]) -> int:
    """Run the command, say how it went, and return its exit status."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.log"
    print(f"{name} ... ", end="", flush=True)
    began = time.monotonic()
    with log.open("wb") as file:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)  # noqa: S603
    if ended.returncode == 0:
        size = "" if into is None else f", {megabytes(into):.0f} MB"
        print(f"{time.monotonic() - began:.1f} s{size}")
        return 0
    print(f"failed after {time.monotonic() - began:.1f} s. The last lines of {log}:", end="\n\n")
    for line in log.read_text(errors="replace").splitlines()[-LAST_LINES:]:
        print(f"    {line}")
    print(f"\nThe same by hand, in {Path.cwd()}:\n\n    {shlex.join(command)}\n")
    return ended.returncode if ended.returncode > 0 else 128 - ended.returncode


def main() -> int:
    """Read the command line and run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path)
    parser.add_argument("name")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    told = parser.parse_args()
    try:
        return run(told.name, told.into, told.command)
    except KeyboardInterrupt:
        print("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
