"""Small copies of pictures for the page, so that a telephone's twelve megapixels do not stay in memory."""

import logging
from io import BytesIO

from PIL import ExifTags, Image, ImageOps

logger = logging.getLogger(__name__)

EDGE = 480  # pixels: a card is at most half as many wide, screens have two to a point, networks take fewer
SMALL_EDGE = 640  # pixels
SMALL_BYTES = 64 * 1024
TINY_EDGE = 96  # pixels, in a table
LARGEST = 60_000_000  # pixels; a page does not unpack more than a large camera makes
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

# What Pillow raises at files that are broken, cut off, no pictures at all, or made to be too large to unpack.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def thumbnail(picture: bytes, edge: int = EDGE) -> bytes | None:
    """The whole picture, upright, in a JPEG of at most `edge` pixels a side; None if it cannot be shown."""
    try:
        with Image.open(BytesIO(picture), formats=FORMATS) as opened:
            return _small(opened, edge) if opened.width * opened.height <= LARGEST else None
    except UNREADABLE:
        return None
    except Exception:  # a picture has its answer without a copy, too
        logger.exception("A picture cannot be shown:")
        return None


def is_small(picture: bytes) -> bool:
    """Whether a picture that is known to be whole may be shown as it is, for a copy would be no smaller."""
    try:
        with Image.open(BytesIO(picture), formats=["JPEG"]) as opened:
            is_upright = opened.getexif().get(ExifTags.Base.Orientation, 1) == 1
            return is_upright and max(opened.size) <= SMALL_EDGE and len(picture) <= SMALL_BYTES
    except Exception:  # noqa: BLE001 - thumbnail() reads the same, and logs it
        return False


def _small(opened: Image.Image, edge: int) -> bytes:
    opened.draft("RGB", (2 * edge, 2 * edge))  # a JPEG can be unpacked at a fraction of its size
    ImageOps.exif_transpose(opened, in_place=True)
    upright = _on_white(opened)
    upright.thumbnail((edge, edge))
    packed = BytesIO()
    upright.save(packed, "JPEG", quality=85)
    return packed.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
