"""What a picture's bytes say about it before anything is decoded: its size, and what decoding will cost."""

from dataclasses import dataclass

MOST_PARTS = 20_000
"""Pillow walks in Python over a JPEG's segments, a PNG's chunks and a GIF's extensions: each costs time."""

STRIP_PIXELS = 2**16
"""What is worked on at once where a whole picture in another mode would need the memory a second time."""

_STRIP_BYTES = 32 * STRIP_PIXELS
"""A strip as it was, with alpha, its background, both laid together, in RGB; and what numpy makes of it."""

_BYTES_A_LINE = 64
"""Pillow keeps a pointer for each row, and a strip is at least one row or column."""

COPIED_PIXELS = 12_500_000
"""Up to so many there is a copy in RGB beside the picture, four bytes a pixel; of more, one of one band."""


@dataclass(frozen=True)
class Header:
    """A picture's size and structure; zero pixels where the bytes do not say."""

    kind: str
    """The format, in Pillow's words."""
    width: int = 0
    height: int = 0
    pixel_bytes: int = 4
    """What its decoder holds for each pixel at the end: Pillow keeps RGB in four bytes."""
    decoder_bytes: int = 0
    """What its decoder holds besides."""
    scales: bool = False
    """Whether it can be decoded smaller."""
    frames: int = 1
    scans: int = 1
    """How often the decoder goes over all pixels."""
    parts: int = 0
    """What Pillow walks over one by one; counted no further than one more than ``MOST_PARTS``."""
    slow: bool = False
    """Whether Pillow decodes it in Python."""

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.width * self.height

    def memory(self, smallest: int) -> int:
        """Bytes that decoding and fitting hold at most, where ``smallest`` pixels a side would be enough."""
        scale = self._scale(smallest)
        width, height = -(-self.width // scale), -(-self.height // scale)
        copy_bytes = 4 if width * height <= COPIED_PIXELS else 1
        pixels = (self.pixel_bytes + copy_bytes) * width * height
        return self.decoder_bytes + pixels + _STRIP_BYTES + _BYTES_A_LINE * (width + height)

    def _scale(self, smallest: int) -> int:
        """What Pillow's ``draft`` divides the sides by."""
        if not self.scales:
            return 1
        possible = min(self.width // smallest, self.height // smallest)
        return max((scale for scale in (2, 4, 8) if scale <= possible), default=1)
