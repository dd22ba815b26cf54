import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import uvicorn
from anyio import run, sleep_forever
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from muffin_v_chihuahua_ml_service.errors import (
    BodyTooLarge,
    MalformedBody,
    MissingField,
    SlowBody,
)
from muffin_v_chihuahua_ml_service.serving.uploads import Upload, read_upload

CHUNK = 1024
LIMIT = 10 * CHUNK
PATIENCE_S = 30
FORM = "multipart/form-data; boundary=xx"
END = b"--xx--\r\n"

Header = tuple[bytes, bytes]


class Sender:
    """Sends zeros, far more than the limit."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self) -> Message:
        self.sent += CHUNK
        return {"type": "http.request", "body": bytes(CHUNK), "more_body": self.sent < 100 * LIMIT}


def refuse(sender: Sender, *headers: Header) -> None:
    request = Request({"type": "http", "method": "POST", "headers": list(headers)}, sender)
    with pytest.raises(BodyTooLarge, match=str(LIMIT)):
        run(read_upload, request, LIMIT, PATIENCE_S)


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    sender = Sender()

    refuse(sender, (b"content-length", b"10000000"))

    assert sender.sent == 0


@pytest.mark.parametrize("digits", [b"0" * 20 + b"10000000", b"9" * 9000], ids=["zeros before", "thousands"])
def test_a_length_that_is_written_oddly_is_read_all_the_same(digits: bytes) -> None:
    sender = Sender()

    refuse(sender, (b"content-length", digits))

    assert sender.sent == 0


@pytest.mark.parametrize("declared", [(), ((b"content-length", b"not a number"),)])
def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(declared: tuple[Header, ...]) -> None:
    sender = Sender()

    refuse(sender, *declared)

    assert sender.sent == LIMIT + CHUNK


def request_of(
    pieces: Sequence[bytes], content_type: str = FORM, after: Callable[[], Awaitable[Message]] | None = None
) -> Request:
    """A request whose body comes in pieces; what comes after them instead of its end."""
    left = list(pieces)

    async def receive() -> Message:
        if not left and after is not None:
            return await after()
        return {
            "type": "http.request",
            "body": left.pop(0) if left else b"",
            "more_body": bool(left) or after is not None,
        }

    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def part(content: bytes, disposition: str = 'name="file"; filename="a.png"', *headers: bytes) -> bytes:
    lines = (f"Content-Disposition: form-data; {disposition}".encode(), *headers)
    return b"--xx\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + content + b"\r\n"


def uploaded(*pieces: bytes, content_type: str = FORM) -> Upload:
    return run(read_upload, request_of(pieces, content_type), LIMIT, PATIENCE_S)


NASTY = bytes(range(256)) + b"\r\n--x\r\n--xy\r\n\r\n--xx" * 3 + b"\r"
"""What looks like the end of a part, and is not quite."""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_a_file_comes_whole_out_of_a_form_in_pieces_of_any_size(size: int) -> None:
    content = NASTY.replace(b"\r\n--xx", b"\r\n--x-x")
    body = part(b"my dog", 'name="comment"') + part(content) + END

    upload = uploaded(*(body[at : at + size] for at in range(0, len(body), size)))

    assert upload == Upload(content, "a.png")


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('name="file"; filename="rex.jpg"', "rex.jpg"),
        ("name=file; filename=rex.jpg", "rex.jpg"),
        ('name="file"; filename="狗 über.jpg"', "狗 über.jpg"),
        ('name="file"; filename="say %22hi%22; 100%.png"', 'say "hi"; 100%.png'),
        (r'name="file"; filename="say \"hi\".png"', 'say "hi".png'),
        (r'name="file"; filename="C:\\pictures\\rex.jpg"', "rex.jpg"),
        ("name=\"file\"; filename*=UTF-8''%E7%8B%97%20rex.jpg", "狗 rex.jpg"),
        ("name=\"file\"; filename*=iso-8859-1'de'%FCber.jpg", "über.jpg"),
        ('name="file"; filename="plain.jpg"; filename*=UTF-8\'\'other.jpg', "plain.jpg"),
        ('name="file"; filename=""', ""),
    ],
)
def test_a_files_name_is_read_as_browsers_and_curl_write_it(disposition: str, filename: str) -> None:
    assert uploaded(part(b"x", disposition), END) == Upload(b"x", filename)


def test_a_files_name_that_is_not_utf_8_is_latin_1() -> None:
    body = part(b"x", 'name="file"; filename="?.jpg"').replace(b"?", b"\xfc")

    assert uploaded(body, END).filename == "ü.jpg"


MALFORMED: dict[str, tuple[bytes, str]] = {
    "no form": (b"garbage", FORM),
    "nothing": (b"", FORM),
    "cut off in a file": (part(b"x" * 99)[:-20], FORM),
    "cut off before its last boundary": (part(b"x"), FORM),
    "cut off in its last boundary": (part(b"x") + b"--xx-", FORM),
    "cut off in a header": (b"--xx\r\nContent-Disp", FORM),
    "no boundary in its type": (part(b"x") + END, "multipart/form-data"),
    "an empty boundary": (part(b"x") + END, "multipart/form-data; boundary="),
    "a boundary of 300 bytes": (part(b"x") + END, "multipart/form-data; boundary=" + "x" * 300),
    "a field without a name": (part(b"x", "filename=a") + END, FORM),
    "a field that is not described": (b"--xx\r\nContent-Type: image/png\r\n\r\nx\r\n" + END, FORM),
    "17 fields": (part(b"x", "name=a") * 17 + END, FORM),
    "two files": (part(b"x") * 2 + END, FORM),
    "two files of which one is another field": (part(b"x") + part(b"x", "name=b; filename=b") + END, FORM),
    "nine headers": (part(b"x", "name=file; filename=a", *[b"X-A: b"] * 8) + END, FORM),
    "a header of 5000 bytes": (part(b"x", "name=file; filename=a", b"X-A: " + b"b" * 5000) + END, FORM),
    "a header's name of 5000 bytes": (part(b"x", "name=file", b"X" * 5000 + b": b") + END, FORM),
    "a header that is none": (part(b"x", "name=file; filename=a", b"X A") + END, FORM),
}


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("size", [5, 10**6])
def test_a_form_that_is_none_is_refused_in_a_sentence(what: str, size: int) -> None:
    body, content_type = MALFORMED[what]

    with pytest.raises(MalformedBody, match=r"^The form .+\.$"):
        uploaded(*(body[at : at + size] for at in range(0, len(body), size)), content_type=content_type)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (END, "is missing"),
        (part(b"x", 'name="picture"; filename="a"') + END, "is missing"),
        (part(b"x", 'name="comment"') + END, "is missing"),
        (part(b"x", 'name="file"') + END, "is text, not a file"),
        (part(b"x", 'name="file"') + part(b"x", 'name="comment"') + END, "is text, not a file"),
    ],
)
def test_what_is_missing_in_a_whole_form_is_named(body: bytes, said: str) -> None:
    with pytest.raises(MissingField, match=f"The field `file` {said}; with curl: -F file=@"):
        uploaded(body)


def test_16_fields_are_not_too_many_and_what_comes_after_the_form_is_ignored() -> None:
    body = part(b"x", "name=a") * 15 + part(b"y") + END + b"anything"

    assert uploaded(body).content == b"y"


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 2**17])
def test_a_file_that_is_too_large_is_refused_as_it_comes(size: int) -> None:
    body = part(bytes(size)) + END

    with pytest.raises(BodyTooLarge, match=str(LIMIT)):
        uploaded(*(body[at : at + CHUNK] for at in range(0, len(body), CHUNK)))


def test_a_large_form_never_touches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file(*_: object, **__: object) -> None:
        pytest.fail("A temporary file was made.")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, no_file)
    content = os.urandom(5 * 2**20)
    body = part(content) + END
    pieces = [body[at : at + 2**16] for at in range(0, len(body), 2**16)]

    upload = run(read_upload, request_of(pieces), 10 * 2**20, PATIENCE_S)

    assert upload.content == content


def test_what_is_read_of_a_form_is_not_kept_longer_than_its_picture() -> None:
    content = uploaded(part(os.urandom(CHUNK)) + END).content

    assert sys.getrefcount(content) <= 2  # this name and the call's argument: no parser holds it any more


@pytest.mark.parametrize("content_type", [FORM, "image/png"])
def test_a_body_that_stops_coming_is_not_waited_for(content_type: str) -> None:
    async def never() -> Message:
        await sleep_forever()
        raise AssertionError

    with pytest.raises(SlowBody, match=r"^The body has not all come within 0.02 seconds; send it again\.$"):
        run(read_upload, request_of([part(b"x")], content_type, never), LIMIT, 0.02)


@pytest.mark.parametrize(
    ("each_second", "after_s"), [(0, 5.0), (24, pytest.approx(5.5, abs=0.6)), (300, PATIENCE_S)]
)
def test_a_body_needs_a_minimum_rate_and_says_which(
    in_virtual_time: Callable[[Coroutine[Any, Any, Any]], Any], each_second: int, after_s: float
) -> None:
    async def trickle() -> Message:
        await asyncio.sleep(1 if each_second else 1000)
        return {"type": "http.request", "body": bytes(each_second), "more_body": True}

    async def upload() -> float:
        with pytest.raises(SlowBody) as refusal:
            await read_upload(request_of([], "image/png", trickle), 10**6, PATIENCE_S)
        assert ("more slowly than 240 bytes a second" in str(refusal.value)) == (after_s != PATIENCE_S)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(upload()) == after_s


def test_a_body_whose_sender_hangs_up_is_nobodys() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        run(read_upload, request_of([part(b"x")], after=gone), LIMIT, PATIENCE_S)


@contextmanager
def listening(app: FastAPI, until: Callable[[Callable[[], bool]], None]) -> Iterator[tuple[str, int]]:
    """The address of a real server on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        host, port = server.servers[0].sockets[0].getsockname()
        yield host, port
    finally:
        server.should_exit = True
        thread.join()


def test_who_sends_too_slowly_is_told_so_and_hung_up_on(
    make_app: Callable[..., FastAPI], until: Callable[[Callable[[], bool]], None]
) -> None:
    def ask(address: tuple[str, int], sent: bytes) -> bytes:
        with socket.create_connection(address, timeout=30) as caller:
            caller.sendall(sent)
            return b"".join(iter(lambda: caller.recv(4096), b""))

    with listening(make_app(body_timeout_ms=50), until) as address:
        until(lambda: b" 200 " in ask(address, b"GET / HTTP/1.0\r\n\r\n"))
        half = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf"
        head, _, body = ask(address, half).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 408")
    assert b'"code":"slow_body"' in body
