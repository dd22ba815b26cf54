"""A WebP's header and frames (RFC 9649)."""

import struct

from .header import MOST_PARTS, Header

_COPIES = 16
"""Bytes a pixel: libwebp's canvas, the one before it, what it hands over, and what Pillow makes of that."""


def read(data: bytes) -> Header:
    """The header of a WebP; of an animated one, the canvas."""
    at, parts, frames = 12, 0, 0
    while at + 8 <= len(data) and parts <= MOST_PARTS:
        kind, length = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        parts += 1
        at += 8 + length + length % 2
    return Header("WEBP", *_size(data), pixel_bytes=_COPIES, frames=max(frames, 1), parts=parts)


def _size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width, wide, height, high = struct.unpack_from("<HBHB", data, 24)
        return (wide << 16 | width) + 1, (high << 16 | height) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF
