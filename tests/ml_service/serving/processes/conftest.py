"""The service as its users start it: processes of their own, with a network small enough to load at once."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle, write_manifest


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: Any


@dataclass
class Service:
    """A running `serve`."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """What it has said so far, a line each."""

    def __post_init__(self) -> None:
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self._listening.join(timeout=60)  # until its workers have ended, too
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def _listen(self) -> None:
        self.said.extend(self.process.stderr or ())

    @property
    def port(self) -> int:
        [found] = re.findall(r"http://127\.0\.0\.1:(\d+)", "".join(self.said))
        return int(found)

    def times(self, sentence: str) -> int:
        return sum(sentence in line for line in self.said)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Reply:
        connection = self.connect()
        try:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            connection.request(method, path, body, headers)
            return reply_on(connection)
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return bool(self.said) and self.ask("GET", "/").status == 200

    def tell(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def ends(self) -> int:
        """Its exit status, and nothing of it goes on."""
        return self.process.wait(timeout=60)

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def reply_on(connection: http.client.HTTPConnection) -> Reply:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, json.loads(response.read()))


@pytest.fixture
def bundle(fake_bundle: Callable[..., ModelBundle]) -> Callable[[str], ModelBundle]:
    """Write a bundle of this version, over the one before: a network that tells red from blue."""

    def write(version: str = "1.0.0") -> ModelBundle:
        fake = fake_bundle(artefacts={"onnxruntime": "model.onnx"}, version=version)
        (fake.folder / "model.onnx").write_bytes(red_against_blue())
        return write_manifest(fake.folder, fake.manifest.model_dump(mode="json", exclude={"files"}))

    return write


def red_against_blue() -> bytes:
    import onnx  # noqa: PLC0415 - only here
    from onnx import helper  # noqa: PLC0415

    weights = helper.make_tensor("weights", onnx.TensorProto.FLOAT, [3, 2], [-1.0, 1, 0, 0, 1, -1])
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "red-against-blue",
        [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, ["N", 32, 32, 3])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", 2])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start `serve` with these arguments, and these settings beside what is quick; wait for nothing."""
    with ExitStack() as started:

        def begin(*arguments: object, **settings: object) -> Service:
            quick = {"drain_ms": 200, "log_level": "debug"} | settings  # then every worker speaks for itself
            line = [sys.executable, "-m", "muffin_v_chihuahua_ml_service", "serve", "--port", "0"]
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [*line, *map(str, arguments)],
                stderr=subprocess.PIPE,
                text=True,
                env={
                    **os.environ,
                    "TMPDIR": str(tmp_path),  # what is killed tidies nothing up
                    **{f"ML_SERVICE_{name.upper()}": str(value) for name, value in quick.items()},
                },
            )
            return started.enter_context(Service(process))

        yield begin


@pytest.fixture
def serve(
    launch: Callable[..., Service],
    bundle: Callable[..., ModelBundle],
    until: Callable[[Callable[[], bool]], None],
) -> Callable[..., Service]:
    """Start `serve` with the bundle, and wait until all of it is ready."""

    def begin(*arguments: object, **settings: object) -> Service:
        workers = int(str(settings.get("workers", 1)))
        alone = settings | {"workers": workers}
        service = launch("--model", bundle("1.0.0").folder, *arguments, **alone)
        until(lambda: service.times("Serving fake-model 1.0.0") == workers)
        until(service.is_ready)
        return service

    return begin


class Caller(threading.Thread):
    """Asks one thing after the other, until nobody listens any more."""

    def __init__(self, port: int, picture: bytes, *, keeps_connection: bool) -> None:
        super().__init__(daemon=True)
        self._address = ("127.0.0.1", port)
        self._picture = picture
        self._keeps_connection = keeps_connection
        self._is_done = threading.Event()
        self.replies: list[Reply] = []
        self.lost: list[str] = []
        """Requests that were sent and got no whole answer."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self.join(timeout=30)

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._is_done.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(*self._address, timeout=30)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
            if not self._asks(connection):
                connection.close()
                connection = None

    def _asks(self, connection: http.client.HTTPConnection) -> bool:
        """Whether the connection can be used again."""
        try:
            connection.request("POST", "/predict", self._picture)
            reply = reply_on(connection)
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(repr(error))
            return False
        self.replies.append(reply)
        if reply.status == 429:
            time.sleep(0.05)
        return self._keeps_connection and reply.headers.get("connection") != "close"


@pytest.fixture
def callers(red: bytes) -> Callable[[Service], list[Caller]]:
    """Callers that keep their connection, and others that do not; not started."""
    return lambda service: [
        Caller(service.port, red, keeps_connection=keeps) for keeps in (True, False) for _ in range(3)
    ]


@pytest.fixture
def begin_request(red: bytes) -> Iterator[Callable[..., socket.socket]]:
    """Connect, and send so many bytes of a request to predict a red picture; the rest can be had, too."""
    opened: list[socket.socket] = []

    def begin(service: Service, count: int | None = None) -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", service.port), timeout=30))
        opened[-1].sendall(request_for(red)[:count])
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


def request_for(picture: bytes) -> bytes:
    head = f"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture


@pytest.fixture
def whole_request(red: bytes) -> bytes:
    """The request that `begin_request` begins."""
    return request_for(red)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


@pytest.fixture
def read_all() -> Callable[[socket.socket], bytes]:
    """Read what comes until the other side closes."""
    return all_of


async def say_hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def hello() -> ASGIApp:
    """An application that says hello."""
    return say_hello
