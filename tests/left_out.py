"""What tests need that no lock brings: where it is missing they are left out, and the last lines say so.

A test says what it needs with ``@pytest.mark.needs("chromium")``, a fixture with ``need("chromium")``, and a
module that cannot be imported without TensorFlow needs that. With ``--no-skips``, as in CI, a test that is
left out is a failure of the run, unless it needs one of `ALLOWED` or something that ``--without`` names.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from os import environ
from pathlib import Path

import pytest

_AXE = Path(__file__).parent / "e2e/node_modules/axe-core/axe.min.js"
_TRAINING = ("tensorflow", "keras", "tf2onnx", "h5py")
_HAS_TENSORFLOW = sys.version_info < (3, 14)
"""Whether it has a release for this Python."""


@dataclass(frozen=True)
class Tool:
    """Something outside, and how it comes here.

    Attributes:
        name: as a sentence has it.
        is_here: whether it can be used.
        packages: Debian's, which bring it.
        command: what brings it beside them.
        variable: what `make test` is to be told.
    """

    name: str
    is_here: Callable[[], bool]
    packages: tuple[str, ...] = ()
    command: str = ""
    variable: str = ""


TOOLS: Mapping[str, Tool] = {
    "axe-core": Tool("axe-core", _AXE.is_file, ("npm",), "npm ci --prefix tests/e2e"),
    "chromium": Tool(
        "Chromium",
        lambda: bool(shutil.which("chromium-headless-shell") or shutil.which("chromium")),
        ("chromium",),
    ),
    "linux": Tool("Linux", lambda: sys.platform == "linux"),
    "package-index": Tool("a package index", lambda: True),  # who asks it finds out
    "photographs": Tool(
        "photographs", lambda: bool(environ.get("PHOTOS_DIR")), variable="PHOTOS_DIR=/path/to/photos"
    ),
    "postgresql": Tool(
        "PostgreSQL", lambda: any(Path("/usr/lib/postgresql").glob("*/bin/postgres")), ("postgresql",)
    ),
    "python3.11": Tool("Python 3.11", lambda: sys.version_info < (3, 12), variable="PYTHON=python3.11"),
    "tensorflow": Tool(
        "TensorFlow",
        lambda: all(find_spec(each) is not None for each in _TRAINING),
        variable="" if _HAS_TENSORFLOW else "PYTHON=python3.13",
    ),
}

ALLOWED: Mapping[str, str] = {
    "photographs": "they have no common licence, so they are not in the repository",
    "python3.11": "pip before 23.3 runs on no later one",
    **({} if _HAS_TENSORFLOW else {"tensorflow": "it has no release for this Python"}),
}
"""What may be missing in CI too, and why."""

_NEEDS = "needs "


def need(tool: str) -> None:
    """Leave the test out where the tool is missing; for fixtures."""
    if not TOOLS[tool].is_here():
        leave_out(tool)


def leave_out(tool: str) -> None:
    """Leave the test out for want of a tool."""
    pytest.skip(f"{_NEEDS}{tool}", allow_module_level=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is left out is a failure")
    parser.addoption("--without", action="append", default=[], choices=TOOLS, help="but for want of this")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): leave it out where one of these is missing")
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist tells the process that started it
        config.pluginmanager.register(_LeftOut(config), "left-out")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for tool in mark.args:
            need(tool)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    missing = (f"No module named '{each}'" in str(report.longrepr) for each in _TRAINING)
    if report.failed and not TOOLS["tensorflow"].is_here() and any(missing):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 1, f"Skipped: {_NEEDS}tensorflow")
    return report


class _LeftOut:
    """What was left out, and what that means."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reasons: dict[str, str] = {}
        """Why, by the test's or the module's name: several workers may tell of the same module."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple) and not hasattr(report, "wasxfail"):
            self._reasons[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ")

    @property
    def _unexpected(self) -> dict[str, str]:
        fine = {_NEEDS + each for each in (*ALLOWED, *self._config.getoption("--without"))}
        return {name: reason for name, reason in self._reasons.items() if reason not in fine}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._config.getoption("--no-skips") and self._unexpected and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._reasons:
            return
        terminalreporter.section("left out")
        for reason, count in Counter(self._reasons.values()).items():
            tool = TOOLS.get(reason.removeprefix(_NEEDS))
            what = f"need {tool.name}" if tool else f"say: {reason}"
            terminalreporter.line(f"{count} tests or files of tests {what}.")
        if self._config.getoption("--no-skips"):
            for name, reason in self._unexpected.items():
                terminalreporter.line(f"That is a failure here: {name} ({reason})", red=True)
        missing = {reason.removeprefix(_NEEDS) for reason in self._reasons.values()}
        terminalreporter.line(f"With all: {_command([TOOLS[each] for each in TOOLS if each in missing])}")


def _command(tools: list[Tool]) -> str:
    """The one line that brings what is missing and tests again."""
    packages = sorted({package for tool in tools for package in tool.packages})
    install = [f"sudo apt-get install {' '.join(packages)}"] if packages else []
    commands = [tool.command for tool in tools if tool.command]
    test = " ".join(["make test", *(tool.variable for tool in tools if tool.variable)])
    return " && ".join([*install, *commands, test])
