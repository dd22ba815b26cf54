"""What a process and its children use, as Linux counts it in /proc, and how one is ended."""

import os
import subprocess
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")

_STOP_LIMIT_S = 15.0


def process_tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = defaultdict(list)
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    tree = [pid]
    for each in tree:  # which grows meanwhile
        tree.extend(children[each])
    return tree


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree until now, with that of children that were waited for."""
    ticks = (sum(map(int, fields[11:15])) for each in process_tree(pid) if (fields := _stat(each)))
    return sum(ticks) / _TICKS


def proportional_megabytes(pid: int) -> float:
    """Memory of the tree in MB of 10^6 bytes, each page shared by n processes counted as its nth part."""
    return sum(map(_proportional_kib, process_tree(pid))) * 1024 / 1e6


def resident_megabytes(pid: int) -> float:
    """Memory of the process alone in MB of 10^6 bytes, whoever shares it."""
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, as proc(5) counts them; none if it has ended."""
    try:
        # The name before them is in parentheses, and may have spaces and parentheses in it.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _proportional_kib(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and wait until it has; it is killed where that takes too long."""
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
