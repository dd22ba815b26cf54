"""A GIF's header and frames (CompuServe, Graphics Interchange Format, version 89a)."""

import struct

from .header import MOST_PARTS, Header

_EXTENSION, _IMAGE, _END = b"!,;"

_BLOCK_BYTES = 64
"""Encoders fill their blocks, up to 255 bytes; of shorter ones than this there are ``MOST_PARTS`` at most."""


def read(data: bytes) -> Header:
    """The header of a GIF; its first frame may be larger than the screen it says it is for."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at, parts, frames = 13 + _table(packed), 0, 0
    steps = MOST_PARTS + len(data) // _BLOCK_BYTES
    while at < len(data) and data[at] != _END and parts <= MOST_PARTS:
        if data[at] == _EXTENSION:
            at, blocks = _after_blocks(data, at + 2, steps)
            steps -= blocks
            parts += 0 if frames else blocks
        elif data[at] == _IMAGE and len(data) > at + 9:
            left, top, across, down, packed = struct.unpack_from("<HHHHB", data, at + 1)
            if not frames:
                width, height = max(width, left + across), max(height, top + down)
            frames += 1
            at, blocks = _after_blocks(data, at + 11 + _table(packed), steps)
            steps -= blocks
        else:  # Pillow steps over what is neither
            at += 1
            parts += 1
        if steps <= 0:
            parts = MOST_PARTS + 1
    # a frame that will be disposed of is held a second time
    return Header("GIF", width, height, pixel_bytes=2, frames=max(frames, 1), parts=parts)


def _table(packed: int) -> int:
    """The length of a table of colours: three bytes for each."""
    return 3 << (packed & 7) + 1 if packed & 128 else 0


def _after_blocks(data: bytes, at: int, most: int) -> tuple[int, int]:
    """Where the next thing begins, and how many blocks come before it, ``most`` or up to an empty one."""
    end, blocks = len(data), 1
    while blocks < most and at < end and (length := data[at]):
        at += length + 1
        blocks += 1
    return at + 1, blocks
