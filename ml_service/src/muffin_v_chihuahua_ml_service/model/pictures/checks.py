"""What is refused by its header: too many pixels, frames or parts, or more memory than there is."""

from ...errors import TooManyFrames, TooManyParts, TooManyPixels
from ...settings import PictureLimits
from .header import MOST_PARTS, Header

_MOST_SCANS = 500
_MOST_SCANNED_PIXELS = 1_000_000_000
"""A scan with nothing in it goes over all pixels as well: this many take most of a second."""

_MOST_SLOW_PIXELS = 4_000_000
"""Of a BMP in run lengths, which Pillow decodes in Python: these take half a second."""


def check(header: Header, limits: PictureLimits, needed: int) -> None:
    """Refuse what is over a limit.

    Args:
        header: the picture's.
        limits: what a picture may be at most.
        needed: bytes of memory that decoding it takes.

    Raises:
        TooManyPixels, TooManyFrames, TooManyParts: as their names say.
    """
    _check_pixels(header, limits.pixels)
    if header.frames > limits.frames:
        raise TooManyFrames(
            f"The {header.kind} picture has {header.frames} frames; at most {limits.frames} are accepted."
        )
    _check_parts(header)
    if needed > limits.memory:
        kind = "progressive JPEG" if header.scans > 1 else header.kind
        raise TooManyPixels(
            f"Decoding a {kind} picture of {header.width} x {header.height} pixels takes {needed >> 20} MiB "
            f"of memory, and there are {limits.memory >> 20}; send it smaller, or as a baseline JPEG."
        )


def _check_pixels(header: Header, most: int) -> None:
    size = f"The picture has {header.width} x {header.height} pixels"
    if header.pixels > most:
        raise TooManyPixels(f"{size}; at most {most} are accepted.")
    if header.slow and header.pixels > _MOST_SLOW_PIXELS:
        raise TooManyPixels(f"{size}; at most {_MOST_SLOW_PIXELS} are accepted of a compressed BMP.")


def _check_parts(header: Header) -> None:
    if header.parts > MOST_PARTS:
        raise TooManyParts(
            f"The {header.kind} picture has more than {MOST_PARTS} parts; open it and save it again."
        )
    if header.scans > min(_MOST_SCANS, max(1, _MOST_SCANNED_PIXELS // max(1, header.pixels))):
        raise TooManyParts(
            f"The JPEG picture goes {header.scans} times over its {header.pixels} pixels; "
            "open it and save it again."
        )
