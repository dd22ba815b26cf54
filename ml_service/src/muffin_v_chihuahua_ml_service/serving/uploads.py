"""A request's body to a picture's bytes, refused as soon as it is clear that it is too large or too slow."""

from collections.abc import Callable
from dataclasses import dataclass

from anyio import fail_after
from starlette.requests import Request

from ..errors import EmptyBody, MalformedBody, MissingField, SlowBody, UnsupportedContentType
from .forms import FormFiles, FormLimits, too_large

_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may need around its pictures: boundaries, headers, a few small fields."""

_MAX_FIELDS = 16

_FORM = "multipart/form-data"


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent."""

    content: bytes
    filename: str | None


async def read_upload(request: Request, max_bytes: int, timeout_s: float) -> Upload:
    """The picture in the form's field ``file``, or the body itself where that is the picture.

    Raises:
        BodyTooLarge: more than ``max_bytes``; by the header Content-Length before anything is read.
        SlowBody: it has not all come within ``timeout_s`` seconds.
        EmptyBody, MissingField, MalformedBody, UnsupportedContentType: as their names say.
    """
    kind = _kind(request)
    if kind == _FORM:
        limits = FormLimits(max_bytes, 1, _MAX_FIELDS)
        [upload] = await _read_form(request, "file", limits, max_bytes + _FORM_OVERHEAD, timeout_s)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        upload = Upload(await read_whole(request, max_bytes, timeout_s), None)
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
    declared = request.headers.get("content-length", "")
    return int(declared[:12]) if declared.isascii() and declared.isdecimal() else None


async def _read_form(
    request: Request, field: str, limits: FormLimits, max_bytes: int, timeout_s: float
) -> list[Upload]:
    form = FormFiles(field, limits)
    await _receive(request, form.parser(request.headers["content-type"]), max_bytes, timeout_s)
    if not form.is_whole:
        raise MalformedBody("The form ends before its last boundary; send it again.")
    if not form.files:
        found = "is text, not a file" if form.has_text else "is missing"
        raise MissingField(f"The field `{field}` {found}; with curl: -F {field}=@picture.jpg")
    return [Upload(file.content, file.filename) for file in form.files]


async def read_whole(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """The body, whatever it is; raises BodyTooLarge and SlowBody."""
    pieces: list[bytes] = []
    await _receive(request, pieces.append, max_bytes, timeout_s)
    return b"".join(pieces)


async def _receive(request: Request, take: Callable[[bytes], None], max_bytes: int, timeout_s: float) -> None:
    """Hand the body on as it arrives.

    ``FastAPI(max_body_size=…)`` would count too, but answers in plain text instead of the contract's JSON.
    """
    if (declared_bytes(request) or 0) > max_bytes:
        raise too_large(max_bytes)
    received = 0
    try:
        with fail_after(timeout_s):
            async for piece in request.stream():
                received += len(piece)
                if received > max_bytes:
                    raise too_large(max_bytes)
                take(piece)
    except TimeoutError as error:
        raise SlowBody(f"The body has not all come within {timeout_s:g} seconds; send it again.") from error
