"""How much processor time a container leaves its processes: the quotas of control groups, on Linux.

Version 2: docs.kernel.org/admin-guide/cgroup-v2.html, ``cpu.max``; version 1:
docs.kernel.org/scheduler/sched-bwc.html, ``cpu.cfs_quota_us``.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cpu_quota(root: Path = Path("/")) -> float | None:
    """How many cores' worth of time this process may use, or None where nothing limits it.

    A group's limit also holds for the groups in it, so the least of all that are above this process counts.

    Args:
        root: where the system's files are.
    """
    return min((quota for group in _groups(root) if (quota := _quota(group)) is not None), default=None)


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups and of those above, as far as they can be seen from here."""
    mounted = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mounts = [mounted, mounted / "unified"]
        else:
            mounts = [mounted / controllers] if "cpu" in controllers.split(",") else []
        inside = PurePosixPath(path).relative_to("/")
        yield from (mount / group for mount in mounts for group in (inside, *inside.parents))


def _quota(group: Path) -> float | None:
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not period:
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    # "max" in version 2 and -1 in version 1 are no limit
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""  # there are no such groups here, or they are not for this process to see
