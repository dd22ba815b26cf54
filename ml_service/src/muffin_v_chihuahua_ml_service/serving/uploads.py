"""A request's body to a picture's bytes, refused as soon as it is clear that it is too large or too slow."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from ..errors import EmptyBody, MalformedBody, MissingField, SlowBody, UnsupportedContentType
from .forms import FormFiles, FormLimits, too_large
from .numbers import whole_number

_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may need around its pictures: boundaries, headers, a few small fields."""

_MAX_FIELDS = 16

_MIN_BYTES_PER_S = 240
_GRACE_S = 5.0
"""Slowest average rate of a body, and seconds before it counts: Kestrel's defaults. A caller who sends
nothing costs a connection for no longer than that."""

_FORM = "multipart/form-data"

Take = Callable[[bytes], object]
Hold = Callable[[int], object]


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent."""

    content: bytes
    filename: str | None


async def read_upload(
    request: Request, max_bytes: int, timeout_s: float, hold: Hold = lambda _: None
) -> Upload:
    """The picture in the form's field ``file``, or the body itself where that is the picture.

    Args:
        request: whose body has not been read.
        max_bytes: of the picture.
        timeout_s: for the whole body.
        hold: told how many bytes have arrived, before they are kept; may refuse them.

    Raises:
        BodyTooLarge: more than ``max_bytes``; by the header Content-Length before anything is read.
        SlowBody: it has not all come within ``timeout_s`` seconds, or comes too slowly for that.
        EmptyBody, MissingField, MalformedBody, UnsupportedContentType: as their names say.
    """
    kind = _kind(request)
    if kind == _FORM:
        limits = FormLimits(max_bytes, 1, _MAX_FIELDS)
        [upload] = await _read_form(request, "file", limits, max_bytes + _FORM_OVERHEAD, timeout_s, hold)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        upload = Upload(await read_whole(request, max_bytes, timeout_s, hold), None)
    else:
        raise UnsupportedContentType(
            f"The content type {kind!r} is not accepted; send {_FORM} with a field `file`, "
            "or the picture itself as image/* or application/octet-stream."
        )
    if not upload.content:
        raise EmptyBody("There is nothing in the body; send a picture.")
    return upload


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()


def declared_bytes(request: Request) -> int | None:
    """How many bytes the body says that it has; None where it does not, or not in a number."""
    return whole_number(request.headers.get("content-length", ""))


async def _read_form(  # noqa: PLR0913, PLR0917 - what the body is held against
    request: Request, field: str, limits: FormLimits, max_bytes: int, timeout_s: float, hold: Hold
) -> list[Upload]:
    form = FormFiles(field, limits)
    await _receive(request, form.parser(request.headers["content-type"]), max_bytes, timeout_s, hold)
    if not form.is_whole:
        raise MalformedBody("The form ends before its last boundary; send it again.")
    if not form.files:
        found = "is text, not a file" if form.has_text else "is missing"
        raise MissingField(f"The field `{field}` {found}; with curl: -F {field}=@picture.jpg")
    return [Upload(file.content, file.filename) for file in form.files]


async def read_whole(
    request: Request, max_bytes: int, timeout_s: float, hold: Hold = lambda _: None
) -> bytes:
    """The body, whatever it is; raises BodyTooLarge and SlowBody."""
    pieces: list[bytes] = []
    await _receive(request, pieces.append, max_bytes, timeout_s, hold)
    return b"".join(pieces)


async def _receive(request: Request, take: Take, max_bytes: int, timeout_s: float, hold: Hold) -> None:
    """Hand the body on as it arrives.

    ``FastAPI(max_body_size=…)`` would count too, but answers in plain text instead of the contract's JSON.
    """
    if (declared_bytes(request) or 0) > max_bytes:
        raise too_large(max_bytes)
    received = 0
    began = asyncio.get_running_loop().time()
    latest = began + timeout_s
    try:
        async with asyncio.timeout_at(min(latest, began + _GRACE_S)) as limit:
            async for piece in request.stream():
                received += len(piece)
                if received > max_bytes:
                    raise too_large(max_bytes)
                hold(len(piece))
                take(piece)
                limit.reschedule(min(latest, began + _GRACE_S + received / _MIN_BYTES_PER_S))
    except TimeoutError as error:
        if asyncio.get_running_loop().time() < latest:
            why = f"The body comes more slowly than {_MIN_BYTES_PER_S} bytes a second; send it again."
        else:
            why = f"The body has not all come within {timeout_s:g} seconds; send it again."
        raise SlowBody(why) from error
