import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from benchmarks.processes import cpu_seconds, process_tree, proportional_megabytes

PARENT = """
import subprocess, sys
held = bytes(range(256)) * 200_000
work = "print(flush=True)\\nwhile True: pass"
child = subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE)
child.stdout.readline()  # until then it may be a copy of this one
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A process that holds 51 MB, and its child that does nothing but work."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603 - our own
        assert parent.stdout
        child = int(parent.stdout.readline())
        yield parent.pid, child
        os.kill(child, 9)


def test_the_children_belong_to_the_tree(family: tuple[int, int]) -> None:
    parent, child = family

    assert process_tree(parent) == [parent, child]
    assert child in process_tree(os.getpid())


def test_cpu_seconds_are_those_of_the_children_too(
    family: tuple[int, int], until: Callable[[Callable[[], bool]], None]
) -> None:
    parent, _ = family
    before = cpu_seconds(parent)

    until(lambda: cpu_seconds(parent) >= before + 0.1)


def test_memory_is_that_of_the_whole_tree(family: tuple[int, int]) -> None:
    parent, child = family

    assert 51 < proportional_megabytes(parent) < 150
    assert 1 < proportional_megabytes(child) < proportional_megabytes(parent)


def test_a_process_that_has_ended_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass

    assert process_tree(ended.pid) == [ended.pid]
    assert (cpu_seconds(ended.pid), proportional_megabytes(ended.pid)) == (0, 0)
