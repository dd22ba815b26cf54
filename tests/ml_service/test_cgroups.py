from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.cgroups import cpu_quota

HYBRID = "9:name=systemd:/\n4:memory:/a/b\n3:cpuset:/a/b\n1:cpu,cpuacct:/a/b\n0::/\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content + "\n")
    return root


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "250000 100000"}, 2.5),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "50000 100000"}, 0.5),
        # what a group may use is no more than what the group around it may
        (
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000",
                "sys/fs/cgroup/a/cpu.max": "100000 50000",
            },
            2,
        ),
        # from inside a container, its own group is the root, whatever its name is outside
        ({"proc/self/cgroup": "0::/docker/1f", "sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/unified/a/cpu.max": "300000 100000"}, 3),
        (
            {
                "proc/self/cgroup": HYBRID,
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "150000",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000",
            },
            1.5,
        ),
        (
            {
                "proc/self/cgroup": HYBRID,
                "sys/fs/cgroup/cpuset/a/b/cpu.cfs_quota_us": "150000",
                "sys/fs/cgroup/cpuset/a/b/cpu.cfs_period_us": "100000",
            },
            None,
        ),
        ({"proc/self/cgroup": HYBRID}, None),
        ({}, None),
    ],
)
def test_the_least_quota_of_a_process_and_the_groups_around_it_counts(
    tmp_path: Path, files: dict[str, str], quota: float | None
) -> None:
    assert cpu_quota(write(tmp_path, files)) == quota


def test_what_this_machine_says_is_understood() -> None:
    quota = cpu_quota()

    assert quota is None or quota > 0
