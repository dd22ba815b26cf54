from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from muffin_v_chihuahua.thumbnails import EDGE, SMALL_EDGE, is_small, thumbnail


def opened(picture: bytes | None) -> Image.Image:
    assert picture
    return Image.open(BytesIO(picture))


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    packed = BytesIO()
    image.save(packed, kind, **options)
    return packed.getvalue()


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    red, _green, blue = pixel
    return bool(red > 200 and blue < 60)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("size", [(1, 1), (2000, 5), (640, 480), (480, 640)])
def test_every_picture_becomes_a_small_jpeg_of_its_own_shape(
    picture: Callable[..., bytes], kind: str, size: tuple[int, int]
) -> None:
    small = opened(thumbnail(picture("tan", size, kind)))
    assert small.format == "JPEG"
    assert max(small.size) == min(max(size), EDGE)
    assert small.width / small.height == pytest.approx(size[0] / size[1], rel=0.5)


def test_nothing_of_the_picture_is_cut_away() -> None:
    wide = Image.new("RGB", (400, 100), "blue")
    wide.paste("red", (0, 0, 40, 100))
    left_edge = opened(thumbnail(saved(wide))).getpixel((4, 50))
    assert is_red(left_edge)


def test_a_picture_that_was_taken_sideways_stands_upright() -> None:
    sideways = Image.new("RGB", (100, 100), "blue")
    sideways.paste("red", (0, 0, 20, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: what is left comes to the top
    top = opened(thumbnail(saved(sideways, exif=exif))).getpixel((50, 5))
    assert is_red(top)


def test_what_is_transparent_is_white() -> None:
    corner = opened(thumbnail(saved(Image.new("RGBA", (10, 10), (0, 0, 0, 0))))).getpixel((5, 5))
    assert corner == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
def test_every_kind_of_colour_can_be_shown(mode: str) -> None:
    assert thumbnail(saved(Image.new(mode, (20, 20))))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_has_no_thumbnail(content: bytes) -> None:
    assert thumbnail(content) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_picture_that_was_cut_off_has_no_thumbnail(kind: str) -> None:
    noise = saved(Image.effect_noise((200, 200), 90).convert("RGB"), kind)
    assert thumbnail(noise[: len(noise) // 2]) is None


@pytest.mark.parametrize("error", [AssertionError, KeyError, MemoryError])
def test_an_unforeseen_error_means_no_thumbnail_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    def getexif(_image: Image.Image) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "getexif", getexif)
    picture = noise((20, 20))
    assert not is_small(picture)
    assert thumbnail(picture) is None
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [error]


@pytest.mark.parametrize("edge", [8_000, 12_000, 20_000])
def test_a_picture_that_would_fill_the_memory_is_not_unpacked(edge: int) -> None:
    assert thumbnail(saved(Image.new("1", (edge, edge)))) is None


def noise(size: tuple[int, int], quality: int = 75) -> bytes:
    return saved(Image.effect_noise(size, 60).convert("RGB"), "JPEG", quality=quality)


def test_a_small_jpeg_may_be_shown_as_it_is() -> None:
    assert is_small(noise((300, 200)))


@pytest.mark.parametrize(
    "picture",
    [
        saved(Image.new("RGB", (SMALL_EDGE + 1, 10)), "JPEG"),
        noise((640, 640), quality=100),
        saved(Image.new("RGB", (10, 10)), "PNG"),
        b"no picture",
    ],
    ids=["wide", "many bytes", "another format", "no picture"],
)
def test_any_other_is_copied(picture: bytes) -> None:
    assert not is_small(picture)


def test_a_small_picture_that_lies_on_its_side_is_copied_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert not is_small(saved(Image.new("RGB", (10, 10)), "JPEG", exif=exif))
