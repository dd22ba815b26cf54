import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.pictures import CAMERA, DRAWN, PHOTO, Size, read_pictures
from PIL import Image

SMALL_CAMERA = replace(CAMERA, pixels=(400, 300))


@pytest.fixture
def photos(tmp_path: Path, draw: Callable[..., Image.Image]) -> Path:
    for label in ("chihuahua", "muffin"):
        (tmp_path / "photos/full" / label).mkdir(parents=True)
        for number in range(6):
            draw((600 + number, 500)).save(tmp_path / "photos/full" / label / f"{number}.jpg")
    return tmp_path / "photos"


@pytest.mark.parametrize("size", [PHOTO, SMALL_CAMERA, Size("upright", (60, 90))])
def test_pictures_have_their_size_and_differ(photos: Path, tmp_path: Path, size: Size) -> None:
    pictures = read_pictures(photos, tmp_path / "cache", size, count=3)

    assert len(set(pictures)) == 3
    for picture in pictures:
        with Image.open(io.BytesIO(picture)) as image:
            assert (image.format, image.size) == ("JPEG", size.pixels)


def test_they_are_made_once(photos: Path, tmp_path: Path) -> None:
    first = read_pictures(photos, tmp_path / "cache", SMALL_CAMERA, count=3)
    for made in (tmp_path / "cache").rglob("1.jpg"):
        made.write_bytes(b"kept")

    assert read_pictures(photos, tmp_path / "cache", SMALL_CAMERA, count=3) == [first[0], b"kept", first[2]]


def test_noise_gives_a_camera_picture_more_bytes_and_is_the_same_each_time(
    photos: Path, tmp_path: Path
) -> None:
    noisy = read_pictures(photos, tmp_path / "a", SMALL_CAMERA, count=2)

    assert noisy == read_pictures(photos, tmp_path / "b", SMALL_CAMERA, count=2)
    clean = read_pictures(photos, tmp_path / "c", replace(SMALL_CAMERA, noise=0), count=2)
    assert sum(map(len, noisy)) > 2 * sum(map(len, clean))


def test_without_photographs_the_drawings_are_taken(tmp_path: Path) -> None:
    pictures = read_pictures(tmp_path / "missing", tmp_path / "cache", Size("tiny", (32, 24)), count=1000)

    assert len(pictures) == len(list(DRAWN.glob("*/*.jpg"))) > 10
