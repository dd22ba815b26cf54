"""A prediction service that knows nothing and answers what it is told to, and the pages that ask it."""

import gc
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest
from PIL import Image
from streamlit import cache_data, cache_resource
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from muffin_v_chihuahua import streamlit_app

NUMBERS = count()  # a prediction's id is its own
MODEL = {"name": "fake-model", "version": "9.9.9", "digest": "sha256:00"}


DESCRIPTION = {
    **MODEL,
    "description": "Tells what it is told to tell.",
    "labels": ["chihuahua", "muffin", "other"],
    "engine": "fake",
    "precision": "f32",
    "loaded_at": "2026-11-21T10:00:00Z",
    "limits": {"picture_bytes": 1_000_000, "pixels": 10_000_000, "formats": ["JPEG", "PNG"]},
}


SUMMARY = {
    "model": MODEL,
    "predictions": 3,
    "feedback": 0,
    "right": 0,
    "accuracy": None,
    "accuracy_interval": None,
    "labels": {},
}


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0
    hang_up: bool = False


def as_json(status: int, body: object) -> Reply:
    return Reply(status, json.dumps(body).encode())


def prediction(scores: Mapping[str, float], verdict: str = "", version: str = "9.9.9") -> Reply:
    best_first = sorted(scores.items(), key=lambda score: -score[1])
    return as_json(
        200,
        {
            "prediction_id": "01K#",
            "filename": "rex.jpg",
            "verdict": verdict or best_first[0][0],
            "predictions": [{"label": label, "probability": share} for label, share in best_first],
            "model": MODEL | {"version": version},
            "timings_ms": {"decode": 1.9, "queue": 0.2, "inference": 6.1},
        },
    )


def refusal(status: int, sentence: str, code: str = "some_code") -> Reply:
    reply = as_json(status, {"error": sentence, "code": code, "request_id": "r-1"})
    return replace(reply, headers={"Retry-After": "1"} if status in {429, 503} else {})


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    line: str
    headers: Mapping[str, str]
    filename: str = ""
    picture: bytes = b""
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.line.split()[1].partition("?")[0]


class FakeService:
    """Answers over real HTTP on a port of 127.0.0.1, which it keeps when it is stopped and started again.

    It gives `replies`, each once; then what stands in `by_path`, then in `by_filename`; else `reply`.
    """

    SUMMARY = SUMMARY
    prediction = staticmethod(prediction)
    refusal = staticmethod(refusal)
    as_json = staticmethod(as_json)
    raw = Reply

    def __init__(self) -> None:
        self.port = 0
        self.reply = prediction({"chihuahua": 0.983, "muffin": 0.011, "other": 0.006})
        self.replies: list[Reply] = []
        self.by_filename: dict[str, Reply] = {}
        self.by_path = {
            "/": as_json(200, {"Status": "UP", "status": "alive", "model": MODEL}),
            "/model": as_json(200, DESCRIPTION),
            "/feedback": refusal(404, "This service keeps no records."),
        }
        self.asked: list[Asked] = []
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def filenames(self) -> list[str]:
        return [asked.filename for asked in self.asked if asked.filename]

    def is_broken(self, reply: Reply) -> None:
        """Answer everything with this."""
        self.reply = reply
        self.by_path = dict.fromkeys(self.by_path, reply)

    def reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.replies:
            return self.replies.pop(0)
        return self.by_path.get(asked.path) or self.by_filename.get(asked.filename, self.reply)

    def start(self) -> None:
        self.stopping.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(service.reply_to(Asked(self.requestline, dict(self.headers))))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_form = self.headers["Content-Type"].startswith("multipart/")
            filename, picture = self._multipart_file(body) if is_form else ("", b"")
            asked = Asked(self.requestline, dict(self.headers), filename, picture, body)
            self._answer(service.reply_to(asked))

        def _multipart_file(self, body: bytes) -> tuple[str, bytes]:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            (part,) = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
            return str(part.get_filename()), bytes(part.get_payload(decode=True))

        def _answer(self, reply: Reply) -> None:
            service.stopping.wait(reply.after_s)
            if reply.hang_up or service.stopping.is_set():
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body.replace(b"01K#", b"01K%d" % next(NUMBERS)))

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(scope="session", autouse=True)
def _components_are_looked_for_once() -> Iterator[None]:
    """Otherwise AppTest reads what every installed package says of itself, again for each run of a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)
        )
        yield


@pytest.fixture(scope="module", autouse=True)
def _only_what_a_page_leaves_is_collected() -> Iterator[None]:
    """Under test Streamlit collects all garbage after each run: TensorFlow's, too, where it is imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _nothing_is_known_from_another_test() -> None:
    cache_data.clear()
    cache_resource.clear()


@pytest.fixture
def service() -> Iterator[FakeService]:
    service = FakeService()
    service.start()
    yield service
    service.stop()


def picture_bytes(colour: str = "tan", size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    packed = BytesIO()
    Image.new("RGB", size, colour).save(packed, kind)
    return packed.getvalue()


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Make the bytes of a picture's file: colour, size, kind."""
    return picture_bytes


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Two class folders with eight pictures each, and beside them what is no picture."""
    folder = tmp_path / "gallery"
    for kind in ("ape", "bee"):
        (folder / kind).mkdir(parents=True)
        for number in range(8):
            (folder / kind / f"{kind}{number}.png").write_bytes(picture_bytes())
    (folder / "notes.txt").write_text("no picture")
    return folder


class Visitor:
    """Somebody with a browser, at one of the pages."""

    def __init__(self, app: AppTest) -> None:
        self.app = app

    def goes_to(self, url_path: str) -> "Visitor":
        # AppTest.switch_page knows pages that are files; ours are functions, found by their address
        pages = self.app._registered_pages.values()
        self.app._page_hash = next(p["page_script_hash"] for p in pages if p["url_pathname"] == url_path)
        return self.sees_the_page()

    def sees_the_page(self) -> "Visitor":
        self.app.run()
        assert not self.app.exception
        return self

    def clicks(self, label: str) -> "Visitor":
        next(button for button in self.app.button if label in button.label).click()
        return self.sees_the_page()

    def uploads(self, **files: bytes) -> "Visitor":
        """Choose files, each by its name without the suffix, and wait for what comes of them."""
        for name, content in files.items():
            self.app.file_uploader[0].upload(f"{name}.png", content, "image/png")
        return self.sees_the_page().waits()

    def waits(self) -> "Visitor":
        """Look again and again, as a browser does by itself, until nothing more comes."""
        deadline = monotonic() + 20
        while "Cancel" in self.buttons:
            assert monotonic() < deadline
            sleep(0.02)
            self.sees_the_page()
        return self

    @property
    def buttons(self) -> str:
        return " ".join(button.label for button in self.app.button)

    @property
    def titles(self) -> list[str]:
        """What the navigation offers."""
        return [page["page_name"] for page in self.app._registered_pages.values()]

    @property
    def bars(self) -> list[str]:
        """Each class that is drawn with its share, as it reads."""
        lists = [html.proto.body for html in self.app.get("html") if "mvc-bars" in html.proto.body]
        items = [item for each in lists for item in each.split("<li")[1:]]
        return [" · ".join(unescape(span) for span in SPAN.findall(item)) for item in items]

    @property
    def alts(self) -> list[str]:
        return [image.alt for shown in self.app.get("image") for image in shown.proto.imgs]

    @property
    def complaints(self) -> list[str]:
        """What is wrong, in the page's words."""
        return [without_escapes(box.value) for boxes in (self.app.error, self.app.warning) for box in boxes]

    @property
    def words(self) -> str:
        """Everything written on the page beside the bars."""
        page = self.app
        kinds = (page.title, page.error, page.warning, page.info, page.caption, page.markdown)
        return "\n".join(without_escapes(str(element.value)) for kind in kinds for element in kind)


SPAN = re.compile("<span>(.*?)</span>")


def without_escapes(text: str) -> str:
    return text.replace("\\", "")


@pytest.fixture
def visitor(service: FakeService, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A visitor who is about to open the first page."""
    monkeypatch.setenv("INFERENCE_HOST", service.url)
    monkeypatch.setenv("GALLERY_DIR", str(gallery))
    return Visitor(AppTest.from_file(str(streamlit_app.__file__), default_timeout=20))


@pytest.fixture
def another_visitor(visitor: Visitor) -> Visitor:
    """A second visitor, of the same pages."""
    assert visitor
    return Visitor(AppTest.from_file(str(streamlit_app.__file__), default_timeout=20))


@dataclass(frozen=True)
class Broken:
    """An answer that is none, and words that the page has for it."""

    words: str
    reply: Reply


BROKEN = {
    "loading": Broken("not ready yet", refusal(503, "The model is being loaded.")),
    "busy": Broken("too much to do", refusal(429, "Come back in 2 seconds.")),
    "timeout": Broken("too long", refusal(504, "The deadline is over.")),
    "html": Broken("not as the prediction service should", Reply(200, b"<html>proxy</html>")),
    "500": Broken("status 500", Reply(500, b"<h1>Internal Server Error</h1>")),
    "other json": Broken("makes no sense", as_json(200, {"label": "muffin"})),
    "hangs up": Broken("cannot be reached", Reply(0, hang_up=True)),
}


@pytest.fixture(params=list(BROKEN.values()), ids=list(BROKEN))
def broken(request: pytest.FixtureRequest) -> Broken:
    """Each of the ways in which an answer can be none."""
    found: Broken = request.param
    return found
