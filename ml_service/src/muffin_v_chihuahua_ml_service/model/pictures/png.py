"""A PNG's header (W3C, Portable Network Graphics, third edition), frames and texts."""

import struct
from collections.abc import Iterator
from itertools import islice

from .header import MOST_PARTS, Header

_GREY, _PALETTE = 0, 3
_DEEP = 16

_TEXT_BYTES = 2**20
"""What Pillow unpacks of one text at most."""

_INFLATED = 1032
"""A byte of a zlib stream becomes so many at most."""


def read(data: bytes) -> Header:
    """The header of a PNG, or of the default picture of an animated one."""
    size, pixel_bytes = (0, 0), 4
    parts = frames = texts = 0
    for kind, start, length in islice(_chunks(data), MOST_PARTS + 1):
        parts += 1
        if kind == b"IHDR" and len(data) >= start + 13:
            size = struct.unpack_from(">II", data, start)
            pixel_bytes = _pixel_bytes(*data[start + 8 : start + 10])
        elif kind == b"fcTL":
            frames += 1
        elif kind in {b"zTXt", b"iTXt", b"iCCP"}:
            texts += min(length * _INFLATED, _TEXT_BYTES)
    return Header(
        "PNG", *size, pixel_bytes=pixel_bytes, decoder_bytes=texts, frames=max(frames, 1), parts=parts
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind, and where its contents begin and how long they are."""
    at, kind = 8, b""
    while at + 8 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length


def _pixel_bytes(depth: int, colour: int) -> int:
    if colour == _GREY:
        return 2 if depth == _DEEP else 1
    return 1 if colour == _PALETTE else 4
