import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import NotAPicture, TooManyPixels
from muffin_v_chihuahua_ml_service.model.pictures.memory import SMALL, MemoryBudget
from muffin_v_chihuahua_ml_service.model.pictures.opening import read_header
from muffin_v_chihuahua_ml_service.model.preprocessing import Preprocessing, prepare
from muffin_v_chihuahua_ml_service.settings import PictureLimits

HOW = Preprocessing(width=224, height=224, resize_shorter_side=256)
ENOUGH = 512
"""Pixels a side that HOW is content with."""

Draw = Callable[..., Image.Image]
Encode = Callable[..., bytes]

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("RGB", "JPEG", {}),
    "grey JPEG": ("L", "JPEG", {}),
    "CMYK JPEG": ("CMYK", "JPEG", {"progressive": True}),
    "PNG": ("RGB", "PNG", {}),
    "PNG with alpha": ("RGBA", "PNG", {}),
    "PNG with a palette": ("P", "PNG", {}),
    "1-bit PNG": ("1", "PNG", {}),
    "16-bit PNG": ("I;16", "PNG", {}),
    "lossy WebP": ("RGB", "WEBP", {}),
    "WebP with alpha": ("RGBA", "WEBP", {}),
    "lossless WebP": ("RGB", "WEBP", {"lossless": True}),
    "GIF": ("P", "GIF", {}),
    "BMP": ("RGB", "BMP", {}),
    "BMP with a palette": ("P", "BMP", {}),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_header_says_the_size_that_pillow_finds(draw: Draw, encode: Encode, name: str) -> None:
    mode, kind, options = KINDS[name]

    header = read_header(encode(draw((301, 203)).convert(mode), kind, **options))

    assert (header.kind, header.width, header.height) == (kind, 301, 203)
    assert header.frames == header.scans == 1 or header.kind == "JPEG"


@pytest.mark.parametrize("name", KINDS)
def test_a_picture_that_ends_in_its_header_is_left_to_pillow(draw: Draw, encode: Encode, name: str) -> None:
    mode, kind, options = KINDS[name]
    whole = encode(draw().convert(mode), kind, **options)

    for length in range(8, 300):
        assert read_header(whole[:length]).pixels in {0, 64 * 48}


def test_an_os2_bmp_has_a_shorter_header() -> None:
    header = b"BM" + bytes(8) + b"\x1a\0\0\0" + b"\x0c\0\0\0" + b"\x40\0\x30\0\x01\0\x18\0"

    image = Image.open(io.BytesIO(header + bytes(64 * 48 * 3)))

    assert image.size == (64, 48)
    assert read_header(header).pixels == 64 * 48


@pytest.mark.parametrize(
    ("mode", "options", "expected"),
    [
        ("RGB", {}, 0),
        ("RGB", {"progressive": True}, 2 * 640 * 480 * 3 // 2),
        ("RGB", {"progressive": True, "subsampling": "4:2:2"}, 2 * 640 * 480 * 2),
        ("RGB", {"progressive": True, "subsampling": 0}, 2 * 640 * 480 * 3),
        ("L", {"progressive": True}, 2 * 640 * 480),
        ("CMYK", {"progressive": True}, 2 * 640 * 480 * 4),
    ],
)
def test_a_progressive_jpeg_is_held_as_coefficients(
    draw: Draw, encode: Encode, mode: str, options: dict[str, Any], expected: int
) -> None:
    header = read_header(encode(draw((640, 480), mode), "JPEG", **options))

    assert header.decoder_bytes == expected
    assert (header.scans > 1) is bool(options)


def test_a_jpeg_with_a_scan_for_each_colour_is_held_as_coefficients(draw: Draw, encode: Encode) -> None:
    jpeg = encode(draw((640, 480)), "JPEG", subsampling=0)
    scan = jpeg.index(b"\xff\xda")
    one_of_three = jpeg[:scan] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + jpeg[scan + 14 :]

    assert read_header(one_of_three).decoder_bytes == 2 * 640 * 480 * 3


def test_a_jpeg_that_is_decoded_smaller_needs_less(draw: Draw, encode: Encode) -> None:
    header = read_header(encode(draw((2048, 2048), "L"), "JPEG"))

    assert header.memory(2048) - header.memory(1024) > 2048 * 2048
    assert header.memory(1) == header.memory(256)


@pytest.mark.parametrize("component", [b"\0", b"\x11"])
def test_a_frame_without_colours_is_left_to_pillow(draw: Draw, encode: Encode, component: bytes) -> None:
    jpeg = encode(draw(), "JPEG", progressive=True)
    frame = jpeg.index(b"\xff\xc2")

    assert read_header(jpeg[: frame + 9] + component + jpeg[frame + 10 :]).kind == "JPEG"


def test_of_other_bytes_there_is_no_header() -> None:
    with pytest.raises(NotAPicture):
        read_header(b"hello")


class Ledger(MemoryBudget):
    """A budget that writes down what is asked of it."""

    def __init__(self) -> None:
        super().__init__(2**40)
        self.asked: list[int] = []

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        self.asked.append(amount)
        with super().hold(amount):
            yield


def test_a_picture_is_decoded_with_what_its_header_says_that_it_needs(draw: Draw, encode: Encode) -> None:
    large, ledger = encode(draw((2400, 2000)), "BMP"), Ledger()

    prepare(large, HOW, budget=ledger)

    assert ledger.asked == [read_header(large).memory(ENOUGH)]
    assert ledger.asked[0] > SMALL


@pytest.mark.parametrize("size", [(4000, 3000), (1500, 1000), (500, 375)])
def test_an_ordinary_photograph_is_small(encode: Encode, size: tuple[int, int]) -> None:
    photograph = encode(Image.new("RGB", size), "JPEG")

    assert read_header(photograph).memory(ENOUGH) < SMALL


def test_what_needs_more_memory_than_there_is_is_refused_with_the_reason(encode: Encode) -> None:
    few = PictureLimits(memory=20 * 1024**2)
    progressive = encode(Image.new("RGB", (3000, 3000)), "JPEG", progressive=True)

    with pytest.raises(TooManyPixels, match=r"a progressive JPEG picture of 3000 x 3000 pixels takes 3. MiB"):
        prepare(progressive, HOW, few)
    assert prepare(encode(Image.new("RGB", (3000, 3000)), "JPEG"), HOW, few).array.shape == (224, 224, 3)
    with pytest.raises(TooManyPixels, match=r"a WEBP picture .* and there are 20; send it smaller"):
        prepare(encode(Image.new("RGB", (2000, 2000)), "WEBP", method=0), HOW, few)


def test_a_few_parts_too_many_make_no_difference(encode: Encode) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = encode(noise, "PNG")

    assert read_header(whole).parts == 3
    assert read_header(encode(noise, "GIF")).parts == 0
