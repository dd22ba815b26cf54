"""Opens a picture once its header says that it may be decoded."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from ...errors import (
    BrokenPicture,
    NotAPicture,
    UnsupportedPictureFormat,
)
from . import bmp, gif, jpeg, png, webp
from .header import Header

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is decoded, in Pillow's names; decided by the content, never by a file's name."""

# Our own limits are applied before anything is opened; Pillow's would raise or warn at another number.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns about damaged metadata, which spoils no picture, in words that differ each time.
warnings.filterwarnings("ignore", module=r"PIL\.")

_READERS: Mapping[bytes, tuple[str, Callable[[bytes], Header]]] = {
    b"\xff\xd8\xff": ("JPEG", jpeg.read),
    b"\x89PNG\r\n\x1a\n": ("PNG", png.read),
    b"RIFF": ("WEBP", webp.read),
    b"GIF87a": ("GIF", gif.read),
    b"GIF89a": ("GIF", gif.read),
    b"BM": ("BMP", bmp.read),
}

_OTHER_FORMATS = {
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"8BPS": "Photoshop",
    b"\x00\x00\x01\x00": "ICO",
}

DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    OverflowError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged data, by its documentation and its plugins' sources."""


def read_header(data: bytes) -> Header:
    """What the bytes say about the picture.

    Raises:
        NotAPicture: they begin like none of the formats.
        UnsupportedPictureFormat: they are a format that is not on the list.
    """
    for beginning, (kind, read) in _READERS.items():
        if data.startswith(beginning):
            try:
                return read(data)
            except (IndexError, struct.error):
                return Header(kind)  # it ends too early: Pillow will say so
    raise _not_accepted(data)


@contextmanager
def opened(data: bytes, header: Header) -> Iterator[Image.Image]:
    """The picture, opened and not decoded yet; what a decoder raises within the block is ``BrokenPicture``.

    Raises:
        NotAPicture: Pillow finds no picture in it.
        BrokenPicture: truncated or damaged.
    """
    try:
        with closing(Image.open(BytesIO(data), formats=FORMATS)) as image:
            if image.width * image.height > header.pixels:
                raise ValueError("its header is not whole")
            yield image
    except UnidentifiedImageError:
        raise _not_accepted(data) from None
    except DECODING_ERRORS as error:
        sentence = f"The {header.kind} picture is truncated or damaged ({error})."
        # the traceback would hold the pixels for as long as somebody holds the error
        raise BrokenPicture(sentence) from error.with_traceback(None)


def _not_accepted(data: bytes) -> NotAPicture | UnsupportedPictureFormat:
    accepted = ", ".join(FORMATS)
    for start, name in _OTHER_FORMATS.items():
        if data.startswith(start):
            return UnsupportedPictureFormat(f"{name} is not accepted; send one of {accepted}.")
    # ISO 14496-12: the box that names the file's brand comes first, its name after its length.
    if data[4:8] == b"ftyp":
        brand = data[8:12].decode("ascii", "replace").upper()
        return UnsupportedPictureFormat(f"{brand} is not accepted; send one of {accepted}.")
    return NotAPicture(f"These {len(data)} bytes are not a picture; send one of {accepted}.")
