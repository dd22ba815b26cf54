"""Small square pictures for the page, so that a telephone's twelve megapixels stay where they are."""

from io import BytesIO

from PIL import Image, ImageFilter, ImageOps

EDGE = 480  # pixels: a card is at most half as many wide, and screens have two to a point
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


def thumbnail(picture: bytes) -> bytes | None:
    """The whole picture, upright, in a square JPEG; None where it cannot be shown.

    What the picture leaves empty in the square is filled with its own colours, blurred: nothing is cut away,
    because the model has seen all of it too.
    """
    try:
        with Image.open(BytesIO(picture), formats=FORMATS) as opened:
            return _square(opened) if opened.width * opened.height <= LARGEST else None
    except UNREADABLE:
        return None


def _square(opened: Image.Image) -> bytes:
    opened.draft("RGB", (2 * EDGE, 2 * EDGE))  # a JPEG can be unpacked at a fraction of its size
    upright = _on_white(ImageOps.exif_transpose(opened))
    square = ImageOps.fit(upright, (EDGE, EDGE)).filter(ImageFilter.GaussianBlur(EDGE // 16))
    whole = ImageOps.contain(upright, (EDGE, EDGE))
    square.paste(whole, ((EDGE - whole.width) // 2, (EDGE - whole.height) // 2))
    packed = BytesIO()
    square.save(packed, "JPEG", quality=85)
    return packed.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
