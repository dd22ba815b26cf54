"""A request's body to one picture's bytes, refused as soon as it is clear that it is too large."""

from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from ..errors import BodyTooLarge, EmptyBody, MalformedBody, MissingField, UnsupportedContentType

_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may need around the picture: boundaries, headers, a few small fields."""

_MAX_FIELDS = 16


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent."""

    content: bytes
    filename: str | None


async def read_upload(request: Request, max_bytes: int) -> Upload:
    """The picture in the form's field ``file``, or the body itself where that is the picture.

    Raises:
        BodyTooLarge: more than ``max_bytes``; by the header Content-Length before anything is read.
        EmptyBody, MissingField, MalformedBody, UnsupportedContentType: as their names say.
    """
    kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        upload = await _from_form(_limited(request, max_bytes + _FORM_OVERHEAD))
    elif kind.startswith("image/") or kind == "application/octet-stream":
        upload = Upload(await _limited(request, max_bytes).body(), None)
    else:
        raise UnsupportedContentType(
            f"The content type {kind!r} is not accepted; send multipart/form-data with a field `file`, "
            "or the picture itself as image/* or application/octet-stream."
        )
    if len(upload.content) > max_bytes:
        raise _too_large(max_bytes)
    if not upload.content:
        raise EmptyBody("There is nothing in the body; send a picture.")
    return upload


async def _from_form(request: Request) -> Upload:
    try:
        async with request.form(max_files=1, max_fields=_MAX_FIELDS) as form:
            field = form.get("file")
            if not isinstance(field, UploadFile):
                found = "is text, not a file" if field is not None else "is missing"
                raise MissingField(f"The field `file` {found}; with curl: -F file=@picture.jpg")
            return Upload(await field.read(), field.filename)
    except HTTPException as error:  # how Starlette reports a form that it cannot parse
        raise MalformedBody(f"The form cannot be read: {error.detail}") from error


def _limited(request: Request, max_bytes: int) -> Request:
    """The same request with a body that ends in ``BodyTooLarge`` once it is longer than it may be.

    ``FastAPI(max_body_size=…)`` would do the same, but answers in plain text instead of the contract's JSON.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    return Request(request.scope, _counting(request.receive, max_bytes))


def _counting(receive: Receive, max_bytes: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise _too_large(max_bytes)
        return message

    return counted


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than the limit of {max_bytes} bytes.")
