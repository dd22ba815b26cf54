import io
import struct
import zlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from muffin_v_chihuahua_ml_service.errors import (
    BrokenPicture,
    NotAPicture,
    TooManyPixels,
    UnsupportedPictureFormat,
)
from muffin_v_chihuahua_ml_service.model import preprocessing
from muffin_v_chihuahua_ml_service.model.pictures.opening import FORMATS
from muffin_v_chihuahua_ml_service.model.preprocessing import Preprocessing, prepare, preprocess
from muffin_v_chihuahua_ml_service.settings import PictureLimits

HOW = Preprocessing(width=32, height=32, resize_shorter_side=36)
AS_IT_IS = Preprocessing(width=64, height=48, resize_shorter_side=48)
"""What leaves a drawing of 64 x 48 pixels as it is."""

Draw = Callable[..., Image.Image]
Encode = Callable[..., bytes]


def pixels(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("RGB"), dtype=np.float32)


@pytest.mark.parametrize(
    "size", [(64, 48), (48, 64), (1, 1), (2, 1), (3000, 2), (2, 3000), (33, 31), (900, 700)]
)
@pytest.mark.parametrize("target", [(32, 32, 36), (48, 24, 36), (24, 48, 24), (7, 5, 5)])
def test_every_picture_becomes_an_array_of_the_manifests_size(
    encode: Encode, size: tuple[int, int], target: tuple[int, int, int]
) -> None:
    width, height, shorter_side = target
    how = Preprocessing(width=width, height=height, resize_shorter_side=shorter_side)

    array = preprocess(encode(Image.new("RGB", size, (200, 100, 50))), how)

    assert array.shape == (height, width, 3)
    assert array.dtype == np.float32
    assert np.unique(array.reshape(-1, 3), axis=0).tolist() == [[200, 100, 50]]


def test_a_picture_of_the_right_size_stays_as_it_is(draw: Draw, encode: Encode) -> None:
    np.testing.assert_array_equal(preprocess(encode(draw()), AS_IT_IS), pixels(draw()))


@pytest.mark.parametrize("size", [(72, 36), (36, 72)])
def test_the_middle_is_cut_out(encode: Encode, size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "white")
    picture.paste("black", (size[0] // 2 - 18, size[1] // 2 - 18, size[0] // 2 + 18, size[1] // 2 + 18))

    assert preprocess(encode(picture), HOW).max() == 0


def test_a_picture_narrower_than_the_cut_is_shown_from_edge_to_edge(encode: Encode) -> None:
    picture = Image.new("RGB", (36, 36), "white")
    picture.paste("black", (0, 0, 6, 36))
    picture.paste("black", (30, 0, 36, 36))
    wide = Preprocessing(width=72, height=36, resize_shorter_side=36, interpolation="bilinear")

    array = preprocess(encode(picture), wide)

    assert array[:, 0].max() == array[:, -1].max() == 0
    assert array[:, 36].min() == 255


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("PNG", {"optimize": True}, 0),
        ("BMP", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 12),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
        ("GIF", {}, 40),
    ],
)
def test_every_format_shows_the_same_picture(
    draw: Draw, encode: Encode, kind: str, options: dict[str, Any], tolerance: int
) -> None:
    array = preprocess(encode(draw(), kind, **options), AS_IT_IS)

    np.testing.assert_allclose(array, pixels(draw()), atol=tolerance)


def test_what_is_tested_are_all_formats_that_are_accepted() -> None:
    assert set(FORMATS) == {"JPEG", "PNG", "WEBP", "GIF", "BMP"}


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(encode: Encode, kind: str) -> None:
    others = [Image.new("RGB", (64, 48), colour) for colour in ("white", "black")]
    first = Image.new("RGB", (64, 48), "red")

    animated = encode(first, kind, save_all=True, append_images=others, lossless=True)

    assert preprocess(animated, AS_IT_IS)[0, 0].tolist() == pytest.approx([255, 0, 0], abs=3)


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("L", "PNG", 0),
        ("LA", "PNG", 0),
        ("P", "PNG", 0),
        ("P", "GIF", 0),
        ("P", "BMP", 0),
        ("RGB", "PNG", 0),
        ("RGBA", "PNG", 0),
        ("RGBA", "WEBP", 0),
        ("1", "PNG", 0),
        ("1", "BMP", 0),
        ("L", "JPEG", 2),
        ("CMYK", "JPEG", 12),
    ],
)
def test_every_colour_mode_shows_the_same_picture(
    draw: Draw, encode: Encode, mode: str, kind: str, tolerance: int
) -> None:
    picture = draw(mode=mode)

    array = preprocess(encode(picture, kind, lossless=True, quality=95), AS_IT_IS)

    np.testing.assert_allclose(array, pixels(picture), atol=tolerance)


def test_16_bit_grey_is_the_same_as_8_bit_grey(draw: Draw, encode: Encode) -> None:
    grey = draw(mode="L")
    high = np.asarray(grey).astype(np.uint16)
    deep = Image.fromarray(high * 256 + 255 - high)  # the lower byte says something else

    assert deep.mode == "I;16"
    np.testing.assert_array_equal(preprocess(encode(deep), HOW), preprocess(encode(grey), HOW))


BACKGROUND = (10, 200, 30)


def half_transparent(mode: str) -> tuple[Image.Image, dict[str, Any]]:
    """Black, and transparent on the left, in one of the ways that there are; with the options to save it."""
    rgba = Image.new("RGBA", (64, 48), (0, 0, 0, 255))
    rgba.paste((255, 255, 255, 0), (0, 0, 32, 48))
    if mode in {"RGBA", "LA"}:
        return rgba.convert(mode), {}
    opaque = rgba.convert("RGB").convert(mode)
    return opaque, {"transparency": opaque.getpixel((0, 0)) if mode != "RGB" else (255, 255, 255)}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_what_is_transparent_shows_the_manifests_background(encode: Encode, mode: str) -> None:
    picture, options = half_transparent(mode)
    how = AS_IT_IS.model_copy(update={"alpha_background": BACKGROUND})

    array = preprocess(encode(picture, **options), how)

    assert array[0, 0].tolist() == list(BACKGROUND)
    assert array[0, 63].tolist() == [0, 0, 0]


def test_what_is_half_transparent_is_mixed_with_the_background(encode: Encode) -> None:
    picture = Image.new("RGBA", (64, 48), (0, 0, 0, 51))

    assert preprocess(encode(picture), AS_IT_IS)[0, 0].tolist() == [204, 204, 204]


LYING = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""The tag Orientation to how a camera that writes it has laid the picture down."""


def laid_down(upright: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    turn, exif = LYING[orientation], Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return upright if turn is None else upright.transpose(turn), exif


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", LYING)
def test_a_picture_that_says_how_it_lies_is_set_upright(
    draw: Draw, encode: Encode, orientation: int, kind: str
) -> None:
    picture, exif = laid_down(draw(), orientation)

    array = preprocess(encode(picture, kind, exif=exif, lossless=True), AS_IT_IS)

    np.testing.assert_array_equal(array, pixels(draw()))


@pytest.mark.parametrize("target", [(32, 32), (48, 24), (24, 48)])
@pytest.mark.parametrize("orientation", LYING)
def test_it_is_also_cut_as_if_it_had_been_upright(
    draw: Draw, encode: Encode, orientation: int, target: tuple[int, int]
) -> None:
    how = Preprocessing(width=target[0], height=target[1], resize_shorter_side=36)
    upright = draw((200, 131))
    picture, exif = laid_down(upright, orientation)

    array = preprocess(encode(picture, exif=exif), how)

    # resizing rounds once a direction, and what comes first depends on how the picture lies
    np.testing.assert_allclose(array, preprocess(encode(upright), how), atol=1)


def at_once(image: Image.Image, turn: Image.Transpose | None, how: Preprocessing) -> NDArray[np.float32]:
    """What the whole picture in RGB becomes when Pillow resizes it in one go."""
    rgb = preprocessing.to_rgb(image, how.alpha_background)
    upright = rgb if turn is None else rgb.transpose(turn)
    box = preprocessing._middle(upright.size, (how.width, how.height), how.resize_shorter_side)
    kind = Image.Resampling[how.interpolation.upper()]
    return np.asarray(upright.resize((how.width, how.height), kind, box), dtype=np.float32)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("orientation", [1, 5, 6, 7, 8])
@pytest.mark.parametrize("size", [(300, 211), (90, 400), (400, 90), (5, 700), (20, 31), (48, 32)])
def test_a_picture_in_strips_and_bands_becomes_the_same_as_at_once(
    monkeypatch: pytest.MonkeyPatch,
    encode: Encode,
    size: tuple[int, int],
    orientation: int,
    interpolation: Literal["bilinear", "bicubic", "lanczos"],
) -> None:
    how = Preprocessing(width=48, height=32, resize_shorter_side=36, interpolation=interpolation)
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    image, exif = Image.fromarray(noise), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    expected = at_once(image, preprocessing._TURNS.get(orientation), how)
    monkeypatch.setattr(preprocessing, "STRIP_PIXELS", 1000)

    for most_copied in (0, 10**9):
        monkeypatch.setattr(preprocessing, "COPIED_PIXELS", most_copied)
        np.testing.assert_array_equal(preprocess(encode(image, exif=exif), how), expected)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "1", "I;16"])
def test_so_does_every_colour_mode(
    monkeypatch: pytest.MonkeyPatch, draw: Draw, encode: Encode, mode: str
) -> None:
    image = draw((200, 300)).convert(mode)
    monkeypatch.setattr(preprocessing, "COPIED_PIXELS", 0)

    np.testing.assert_array_equal(preprocess(encode(image), HOW), at_once(image, None, HOW))


def exif_with(kind: int, count: int, value: bytes) -> bytes:
    """The tag Orientation alone, in TIFF's words: 2 is text, 3 a short number, 5 a fraction."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x112, kind, count, value, 0)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's word on what is damaged
@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0rubbish", id="no TIFF"),
        pytest.param(b"Exif\0\0MM\0*", id="nothing after the byte order"),
        pytest.param(b"Exif\0\0II*\0\xff\xff\xff\xff", id="an offset far outside"),
        pytest.param(b"Exif\0\0II*\0\x08\0\0\0\xff\xff", id="more tags than bytes"),
        pytest.param(exif_with(3, 1, struct.pack("<HH", 0, 0)), id="orientation 0"),
        pytest.param(exif_with(3, 1, struct.pack("<HH", 9, 0)), id="orientation 9"),
        pytest.param(exif_with(2, 4, b"six\0"), id="a word"),
        pytest.param(exif_with(5, 1, struct.pack("<I", 10_000)), id="a fraction outside"),
    ],
)
def test_damaged_metadata_spoils_no_picture(draw: Draw, encode: Encode, exif: bytes) -> None:
    jpeg = {"kind": "JPEG", "quality": 95}

    array = preprocess(encode(draw(), exif=exif, **jpeg), AS_IT_IS)

    np.testing.assert_array_equal(array, preprocess(encode(draw(), **jpeg), AS_IT_IS))


def test_a_large_jpeg_that_is_decoded_smaller_looks_as_if_decoded_in_full(draw: Draw, encode: Encode) -> None:
    large = draw((1200, 900))
    in_full = encode(Image.open(io.BytesIO(encode(large, "JPEG"))), "PNG")

    array = preprocess(encode(large, "JPEG"), HOW)

    np.testing.assert_allclose(array, preprocess(in_full, HOW), atol=3)


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\0\0\0\rIHDR"[:4] + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + data + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def test_too_many_pixels_are_found_out_from_the_header() -> None:
    with pytest.raises(TooManyPixels, match=r"30000 x 30000 pixels; at most 50000000"):
        preprocess(png_header(30_000, 30_000), HOW)


@pytest.mark.parametrize(("size", "accepted"), [((10, 10), True), ((101, 1), False), ((10, 11), False)])
def test_the_limit_counts_pixels_and_not_sides(
    encode: Encode,
    size: tuple[int, int],
    accepted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    picture = encode(Image.new("RGB", size))

    if accepted:
        assert prepare(picture, HOW, PictureLimits(100)).array.shape == (32, 32, 3)
    else:
        with pytest.raises(TooManyPixels):
            prepare(picture, HOW, PictureLimits(100))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("kept", [0.4, 0.7])
def test_a_truncated_picture_is_broken(kind: str, kept: float, encode: Encode) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise), kind)

    with pytest.raises(BrokenPicture, match=r"is (truncated or )?damaged \(.+\)\.$"):
        preprocess(whole[: int(len(whole) * kept)], HOW)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's word on what is damaged
def test_a_damaged_picture_is_answered_or_refused_but_never_fails(
    draw: Draw, encode: Encode, kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    picture = np.frombuffer(encode(draw(), kind), dtype=np.uint8).copy()
    where = rng.integers(0, min(len(picture), 600), 12)
    picture[where] = rng.integers(0, 256, len(where))

    try:
        array = prepare(picture.tobytes(), HOW, PictureLimits(10_000_000))
    except (BrokenPicture, NotAPicture, TooManyPixels):
        return
    assert array.array.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=''>", "SVG"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
    ],
)
def test_a_format_that_is_known_but_not_accepted_is_named(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedPictureFormat, match=f"^{name} is not accepted; send one of JPEG, PNG"):
        preprocess(data, HOW)


@pytest.mark.parametrize("data", [b"x", b"hello", bytes(100), b"GIF", b"\xff\xd8", b"BM"])
def test_what_begins_like_no_picture_is_none(data: bytes) -> None:
    with pytest.raises(NotAPicture, match=f"These {len(data)} bytes are not a picture"):
        preprocess(data, HOW)
