import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from benchmarks import demo as module
from benchmarks import processes
from benchmarks.demo import PAGE, SERVICE, Program, demo, installed
from benchmarks.errors import SystemFailed

LISTENS = """
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    seen = 0
    def do_GET(self):
        Handler.seen += 1
        status = 503 if self.path == "/busy" and Handler.seen == 1 else 200
        body = "\\n".join([self.path, *sys.argv[1:], *map("=".join, os.environ.items())]).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PORT_FIRST = """
import sys

port = next(word for word in sys.argv if word.isdigit())
sys.argv[1:] = [port, *sys.argv[1:]]
"""
Make = Callable[..., Program]


@pytest.fixture
def make_program(tmp_path: Path) -> Make:
    """Make a program that tells what it was started with: words behind its port, health, variables."""

    def make(*words: str, health: str = "/", code: str = LISTENS, **variables: str) -> Program:
        return Program((sys.executable, "-c", code, "{port}", *words), health, tmp_path / "log", variables)

    return make


def body_of(address: str) -> list[str]:
    with urlopen(address, timeout=10) as answer:  # noqa: S310 - http on 127.0.0.1
        return str(answer.read().decode()).splitlines()


def test_a_program_keeps_its_port_when_it_is_started_again(make_program: Make, tmp_path: Path) -> None:
    program = make_program("one")
    program.start()
    first, address = program.pid, program.address
    program.stop()
    program.start()

    assert program.address == address
    assert program.pid != first
    assert body_of(address)[:3] == ["/", str(program.port), "one"]
    program.stop()
    assert not program.runs
    assert (tmp_path / "log").read_text().count("GET / HTTP") == 3


def test_one_that_does_not_run_has_no_process_and_nothing_to_be_stopped(make_program: Make) -> None:
    program = make_program()
    program.stop()

    with pytest.raises(SystemFailed, match="does not run"):
        _ = program.pid


def test_a_program_is_waited_for_until_it_says_that_it_is_ready(make_program: Make) -> None:
    program = make_program(health="/busy")
    program.start()

    assert program.runs
    program.stop()


def test_a_program_has_no_settings_of_ours_from_outside(
    make_program: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ML_SERVICE_MODEL", "STREAMLIT_SERVER_PORT", "INFERENCE_HOST", "GALLERY_DIR"):
        monkeypatch.setenv(name, "outside")
    program = make_program(INFERENCE_HOST="inside")
    program.start()

    told = body_of(program.address)

    assert "INFERENCE_HOST=inside" in told
    assert not [line for line in told if line.endswith("=outside")]
    program.stop()


def test_a_program_that_ends_at_once_is_reported_with_its_log(make_program: Make, tmp_path: Path) -> None:
    program = make_program(code="raise SystemExit('no model')")

    with pytest.raises(SystemFailed, match=r"what it said is in .*log"):
        program.start()

    assert "no model" in (tmp_path / "log").read_text()
    assert not program.runs


def test_a_program_that_does_not_end_is_ended(make_program: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_STOP_LIMIT_S", 0.1)
    program = make_program("stubborn")
    program.start()
    pid = program.pid

    program.stop()

    assert not Path(f"/proc/{pid}").exists()


def test_a_demo_is_a_service_and_a_page_that_asks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "fake"
    fake.write_text(f"#!{sys.executable}\n{PORT_FIRST}{LISTENS}")
    fake.chmod(0o755)
    monkeypatch.setattr(module, "installed", lambda _: str(fake))

    with demo(tmp_path / "logs", "--model", "m", base="demo", workers="1") as both:
        service, page = body_of(both.service.address), body_of(f"{both.page.address}/demo/_stcore/health")
        pids = both.service.pid, both.page.pid

    assert {"--model", "m", "ML_SERVICE_WORKERS=1", "ML_SERVICE_DATABASE_URL=off"} <= {*service}
    assert {"--server.baseUrlPath", "demo", f"INFERENCE_HOST={both.service.address}"} <= {*page}
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("command", [SERVICE, PAGE])
def test_both_commands_are_those_of_this_environment(command: str) -> None:
    assert os.access(installed(command), os.X_OK)
