"""A JPEG's header (ITU-T T.81, annex B), and how much of it libjpeg has to hold at once."""

from collections.abc import Iterator
from itertools import islice

from .header import MOST_PARTS, Header

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_WITHOUT_LENGTH = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xDA)})
_SCAN = 0xDA
_GREY = 1


def read(data: bytes) -> Header:
    """The header of the first picture in a JPEG file."""
    frame, parts = b"", 0
    progressive = False
    for marker, start, end in islice(_segments(data), MOST_PARTS + 1):
        parts += 1
        if marker in _FRAMES:
            frame, progressive = data[start:end], marker in _PROGRESSIVE
        elif marker == _SCAN and frame:
            at_once = not progressive and data[start : start + 1] >= frame[5:6]
            scans = 1 if at_once else data.count(b"\xff\xda", start - 4)
            return _header(frame, parts, scans, held=not at_once)
    return Header("JPEG", parts=parts)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each marker as it comes, and where the contents of its segment begin and end."""
    at = data.find(b"\xff", 2)
    while 0 <= at < len(data) - 4:
        marker = data[at + 1]
        if marker in _WITHOUT_LENGTH:
            end = at + 1 if marker == 0xFF else at + 2  # noqa: PLR2004 - a fill byte may begin a marker
        else:
            end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
        yield marker, at + 4, end
        at = data.find(b"\xff", end)


def _header(frame: bytes, parts: int, scans: int, *, held: bool) -> Header:
    components = frame[5]
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    sampling = [(each >> 4, each & 15) for each in frame[7 : 7 + 3 * components : 3]]
    return Header(
        "JPEG",
        width,
        height,
        pixel_bytes=1 if components == _GREY else 4,
        decoder_bytes=_coefficients(width, height, sampling) if held else 0,
        scales=True,
        scans=scans,
        parts=parts,
    )


def _coefficients(width: int, height: int, sampling: list[tuple[int, int]]) -> int:
    """Bytes that libjpeg holds from the first scan to the last: two for each coefficient, in blocks of 64."""
    widest, highest = max((h for h, _ in sampling), default=1), max((v for _, v in sampling), default=1)
    across, down = -(-width // (8 * widest or 1)), -(-height // (8 * highest or 1))
    return sum(128 * across * h * down * v for h, v in sampling)
