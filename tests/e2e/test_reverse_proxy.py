"""Served under a sub-path, with a proxy in front that knows nothing but that path."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from benchmarks.demo import page_for
from benchmarks.systems import HOST
from playwright.sync_api import expect

if TYPE_CHECKING:
    from benchmarks.demo import Demo, Program
    from tests.e2e.conftest import Visitor

Visit = Callable[..., "Visitor"]
BASE = "demo"


class Proxy(socketserver.ThreadingTCPServer):
    """Passes on what is asked under `/demo`, WebSockets too; anything else is not found."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        self.target = (HOST, port)
        super().__init__((HOST, 0), Passing)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"


class Passing(socketserver.BaseRequestHandler):
    """One connection, with one request on it."""

    server: Proxy

    def handle(self) -> None:
        head = self._read_head()
        first, _, fields = head.partition(b"\r\n")
        if f" /{BASE}/".encode() not in first:
            self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if b"upgrade: websocket" not in fields.lower():
            fields = b"Connection: close\r\n" + fields.replace(b"Connection: keep-alive\r\n", b"")
        with socket.create_connection(self.server.target) as behind:
            behind.sendall(first + b"\r\n" + fields)
            there = threading.Thread(target=pump, args=(self.request, behind), daemon=True)
            there.start()
            pump(behind, self.request)

    def _read_head(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and (more := self.request.recv(65536)):
            head += more
        return head


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while some := source.recv(65536):
            sink.sendall(some)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one of the two has left


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, _demo: "Demo") -> Iterator["Program"]:
    """The pages under /demo, asking the same service."""
    page = page_for(_demo.service.address, tmp_path_factory.mktemp("sub-path") / "page.log", BASE)
    try:
        page.start()
        yield page
    finally:
        page.stop()
    assert "Traceback" not in page.log.read_text()


@pytest.fixture
def proxy(page: "Program") -> Iterator[Proxy]:
    with Proxy(page.port) as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield proxy
        proxy.shutdown()


def body_of(address: str) -> str:
    with urlopen(address, timeout=10) as answer:  # noqa: S310 - http on 127.0.0.1
        return str(answer.read().decode())


def test_the_healthcheck_is_under_the_path_and_says_ok(proxy: Proxy, page: "Program") -> None:
    assert body_of(f"{page.address}/{BASE}/_stcore/health") == "ok"
    assert body_of(f"{proxy.address}/{BASE}/_stcore/health") == "ok"


def test_without_a_path_the_healthcheck_says_ok_too(running: "Demo") -> None:
    assert body_of(f"{running.page.address}/_stcore/health") == "ok"


def test_the_gallery_works_through_a_proxy_under_a_path(visit: Visit, proxy: Proxy) -> None:
    visitor = visit(f"{proxy.address}/{BASE}/")
    before = visitor.sees_three()

    visitor.shuffles()

    assert not set(visitor.sees_three_but_not(before)) & set(before)
    for picture in visitor.gallery.all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("picture => picture.naturalWidth") > 100


def test_the_pages_have_their_addresses_under_the_path(visit: Visit, proxy: Proxy) -> None:
    visitor = visit(f"{proxy.address}/{BASE}/")
    visitor.sees_three()

    visitor.page.get_by_role("navigation").get_by_role("link", name="Model").click()

    visitor.page.wait_for_url(f"{proxy.address}/{BASE}/model")
    expect(visit(visitor.page.url).page.get_by_role("heading", name="Model", exact=True)).to_be_visible()


def test_uploads_go_through_a_proxy_under_a_path(
    visit: Visit, proxy: Proxy, pictures: Callable[[int], list[dict[str, Any]]]
) -> None:
    visitor = visit(f"{proxy.address}/{BASE}/your-pictures").waits()

    visitor.hands_in(*pictures(3))

    expect(visitor.bars).to_have_count(3)
