"""A BMP's header (Microsoft, Bitmap Storage)."""

import struct

from .header import Header

_OS2 = 12
_PALETTE_BITS = 8
_RUN_LENGTHS = frozenset({1, 2})


def read(data: bytes) -> Header:
    """The header of a BMP; a height below zero says that the rows come from the top."""
    (length,) = struct.unpack_from("<I", data, 14)
    if length == _OS2:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        slow = False
    else:
        width, height, _, bits, compression = struct.unpack_from("<IiHHI", data, 18)
        slow = compression in _RUN_LENGTHS
    whole = bits <= _PALETTE_BITS and not slow
    return Header("BMP", width, abs(height), pixel_bytes=1 if whole else 4, slow=slow)
