"""A form's files, taken out of its bytes as they come (RFC 7578), without ever touching the disk."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..errors import BodyTooLarge, MalformedBody

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 4096
"""Of one header of a part; a file's name is in one of them."""

_EXTENDED_NAME = re.compile(r"filename\*\s*=\s*(utf-8|iso-8859-1)'[^';]*'([^;\s]+)", re.IGNORECASE)
"""RFC 5987. Forms may not use it, and some clients do."""


@dataclass(frozen=True)
class FormLimits:
    """The most that a form may hold: bytes of a file, files of any name, fields with the files among them."""

    file_bytes: int
    files: int
    fields: int


@dataclass(frozen=True)
class FormFile:
    """A file as it was sent."""

    content: bytes
    filename: str


class FormFiles:
    """Keeps the files of one field while a form is parsed."""

    def __init__(self, field: str, limits: FormLimits) -> None:
        """Keep the files called ``field``."""
        self.files: list[FormFile] = []
        self.has_text = False
        """Whether there is a field of that name that is no file."""
        self.is_whole = False
        """Whether the last boundary has come."""
        self._field = field.encode()
        self._limits = limits
        self._fields = self._files = self._size = 0
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition = self._filename = ""
        self._pieces: list[bytes] | None = None

    def parser(self, content_type: str) -> Callable[[bytes], None]:
        """What takes the bytes of the form that the header Content-Type describes, piece by piece.

        Raises:
            MalformedBody: the header names no boundary, or one that is too long; and then, this is no form,
                or has too many fields, files or headers.
            BodyTooLarge: a file is too large.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise MalformedBody("The form cannot be read: its Content-Type names no boundary.")
        try:
            parser = MultipartParser(
                boundary,
                self._callbacks(),
                max_header_count=_MAX_HEADERS,
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise _malformed(error) from error

        def feed(data: bytes) -> None:
            try:
                parser.write(data)
            except FormParserError as error:
                raise _malformed(error) from error

        return feed

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._take_header_name,
            "on_header_value": self._take_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._fields += 1
        if self._fields > self._limits.fields:
            raise MalformedBody(f"The form has more than {self._limits.fields} fields.")
        self._disposition = ""

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("latin-1")
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, filename = options.get(b"name"), _filename(self._disposition, options.get(b"filename"))
        if name is None:
            raise MalformedBody("The form cannot be read: a field has no name.")
        if filename is None:
            self.has_text = self.has_text or name == self._field
            return
        self._files += 1
        if self._files > self._limits.files:
            raise MalformedBody(f"The form has more files than {self._limits.files}.")
        if name == self._field:
            self._pieces, self._size, self._filename = [], 0, filename

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._pieces is None:
            return
        self._size += end - start
        if self._size > self._limits.file_bytes:
            raise too_large(self._limits.file_bytes)
        self._pieces.append(data[start:end])

    def _end_part(self) -> None:
        if self._pieces is not None:
            self.files.append(FormFile(b"".join(self._pieces), self._filename))
            self._pieces = None

    def _end(self) -> None:
        self.is_whole = True


def _malformed(error: FormParserError) -> MalformedBody:
    return MalformedBody(f"The form cannot be read: {error}.")


def too_large(max_bytes: int) -> BodyTooLarge:
    """The error for a file or a body of more than ``max_bytes``."""
    return BodyTooLarge(f"The body is larger than the limit of {max_bytes} bytes.")


def _filename(disposition: str, plain: bytes | None) -> str | None:
    """The name of a file, or None where the field is none.

    Browsers and curl send UTF-8 and write a quotation mark as %22 (WHATWG HTML, multipart/form-data).
    """
    if plain is not None:
        try:
            return plain.decode().replace("%22", '"')
        except UnicodeDecodeError:
            return plain.decode("latin-1")
    extended = _EXTENDED_NAME.search(disposition)
    return None if extended is None else unquote(extended[2], encoding=extended[1])
