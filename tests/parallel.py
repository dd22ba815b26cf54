"""How several processes share the tests: file by file, and those that start the same servers in one process.

pytest-xdist's own way, ``xdist_group`` with ``--dist loadgroup``, does nothing: its release 3.8.0 writes the
group into an attribute that pytest 9.2 does not read; ``findings/xdist-groups-with-pytest-9.2.sh`` shows it.
"""

import os
from collections.abc import Mapping

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_TOGETHER: Mapping[str, str] = {
    "tests/e2e/": "the demo",
    "tests/ml_service/training/test_tracking.py": "MLflow",
    "tests/ml_service/model/sources/test_registry.py": "MLflow",
}
"""Paths whose tests start the same server."""

_LONGEST = ("e2e", "training", "model", "serving")
"""Folders whose tests take longest begin first, so that no process works alone at the end."""


class _Sharing(LoadFileScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        path: str = super()._split_scope(nodeid)
        return next((server for start, server in _TOGETHER.items() if path.startswith(start)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Sharing:
    return _Sharing(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait for programs that they have started."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, name in enumerate(_LONGEST) if name in item.path.parts), len(_LONGEST))
