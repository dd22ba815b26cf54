import ctypes
import subprocess
import sys
from collections.abc import Callable

import pytest

from muffin_v_chihuahua.memory import give_back, keep_little

# A process that frees two hundred pieces, of which each has a neighbour that stays, as a page's visitors do.
FREES = """
from muffin_v_chihuahua import memory
memory.keep_little()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
pieces = [bytes(200_000) if number % 2 else bytearray(b"x" * 200_000) for number in range(400)]
full = resident()
pieces = pieces[:2]
memory.give_back()
print(full - resident())
"""


@pytest.mark.needs("linux")  # /proc
def test_what_is_let_go_of_goes_back_to_the_system() -> None:
    line = [sys.executable, "-c", FREES]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ourselves
    assert int(told) > 40_000_000


class FakeLibrary:
    def __init__(self) -> None:
        self.called: list[tuple[str, tuple[int, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.called.append((name, arguments))


def test_glibc_is_told_to_keep_little(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    keep_little()
    give_back()
    assert library.called == [
        ("mallopt", (-8, 2)),
        ("mallopt", (-3, 128 * 1024)),
        ("mallopt", (-1, 128 * 1024)),
        ("malloc_trim", (0,)),
    ]


@pytest.mark.parametrize("name", ["posix", "nt"])
def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("os.name", name)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_little()
    give_back()
