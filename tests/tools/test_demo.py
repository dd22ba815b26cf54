"""The demo's own part: ports that are looked at first, two programs that are started and ended together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "tools/demo.py"
ROOT = DEMO.parents[1]

PROGRAM = """\
#!{python}
import http.server, os, signal, sys
name, port = {name!r}, int(sys.argv[-1])
print("begins", os.environ.get("ML_SERVICE_DATABASE_URL"), os.environ.get("INFERENCE_HOST"), flush=True)
if os.environ.get("FAILS") == name:
    sys.exit("There is no model.")

def end(number, frame):
    print("told to end", flush=True)
    if os.environ.get("STUBBORN") != name:
        os._exit(0)

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass

signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Healthy).serve_forever()
"""
NAMES = {"service": "muffin-v-chihuahua-ml-service", "page": "muffin-v-chihuahua-model-as-a-service"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def ports() -> list[str]:
    return ["--service-port", str(free_port()), "--page-port", str(free_port())]


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, ports: list[str]) -> Iterator[Start]:
    """Start the demo in an empty folder, with two programs that do nothing but answer their healthcheck."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, command in NAMES.items():
        (commands / command).write_text(PROGRAM.format(python=sys.executable, name=name))
        (commands / command).chmod(0o755)
    started = []

    def begin(**variables: str) -> "subprocess.Popen[str]":
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ML_SERVICE_")}
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, str(DEMO), "run", *ports, "--commands", str(commands)],
            cwd=tmp_path,
            env=outside | {"http_proxy": "http://127.0.0.1:9", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()  # killed, it would leave its programs behind
        process.communicate(timeout=60)


def read_until(process: "subprocess.Popen[str]", word: str) -> list[str]:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if word in line:
            return said
    pytest.fail(f"It never said {word!r}: {said}")


def log(tmp_path: Path, name: str) -> list[str]:
    return (tmp_path / f"build/demo/{name}.log").read_text().splitlines()


def test_its_last_line_is_a_call_that_works_as_pasted(start: Start, tmp_path: Path, ports: list[str]) -> None:
    call = read_until(start(), "curl")[-1]

    assert call.startswith("curl -F file=@/")
    picture, url = call.split()[2].removeprefix("file=@"), call.split()[3]
    assert url == f"http://localhost:{ports[1]}/predict"
    assert (
        Path(picture) == tmp_path / "frontend/src/muffin_v_chihuahua/pictures/chihuahua/fawn-on-the-lawn.jpg"
    )
    assert (ROOT / Path(picture).relative_to(tmp_path)).is_file()


def test_one_ctrl_c_is_one_for_each_and_ends_both(start: Start, tmp_path: Path) -> None:
    process = start()
    read_until(process, "curl")

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does

    assert process.wait(timeout=60) == 0
    assert process.stdout is not None
    assert process.stdout.read().split() == ["Both", "have", "ended."]
    for name in NAMES:
        assert log(tmp_path, name)[1:] == ["told to end"]


def test_a_second_one_ends_at_once_what_does_not_end(
    start: Start, tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    process = start(STUBBORN="service")
    read_until(process, "curl")
    os.killpg(process.pid, signal.SIGINT)
    until(lambda: "told to end" in log(tmp_path, "service"))

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(timeout=60) == 0


def test_one_that_ends_by_itself_ends_both_with_its_last_words(start: Start, tmp_path: Path) -> None:
    process = start(FAILS="service")

    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "The service ended with status 1. Its last lines:" in said
    assert "    There is no model.\n" in said
    assert f"    env ML_SERVICE_MODEL={tmp_path}/models/muffin-v-chihuahua/bundle " in said
    assert "Traceback" not in said


def test_what_it_remembers_lies_in_build_unless_told_otherwise(
    start: Start, tmp_path: Path, ports: list[str]
) -> None:
    first = start()
    read_until(first, "curl")
    by_default = log(tmp_path, "service")[0].split()
    first.terminate()
    first.wait(timeout=60)
    read_until(start(ML_SERVICE_DATABASE_URL="off", INFERENCE_HOST="elsewhere"), "curl")

    assert by_default[-2] == f"sqlite:///{tmp_path}/build/demo/records.db"
    assert log(tmp_path, "service")[0].split()[-2] == "off"
    assert log(tmp_path, "page")[0].split()[-1] == f"http://localhost:{ports[1]}"


def test_taken_ports_are_said_before_anything_else_with_others_that_are_free(ports: list[str]) -> None:
    with socket.create_server(("127.0.0.1", int(ports[1]))):
        ended = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(DEMO), "ports", *ports], capture_output=True, text=True, check=False
        )

    assert ended.returncode == 1
    before, _, free = ended.stdout.strip().rpartition("=")
    assert before == f"Port {ports[1]} is taken; choose another one: make demo SERVICE_PORT"
    with socket.create_server(("127.0.0.1", int(free))):
        pass


@pytest.mark.parametrize("port", ["65536", "-1"])
def test_what_is_no_port_is_said(ports: list[str], port: str) -> None:
    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(DEMO), "ports", *ports[:3], port], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stdout.startswith(f"APP_PORT={port} is no port")
    assert ended.stderr == ""
