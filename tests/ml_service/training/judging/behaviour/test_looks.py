import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from muffin_v_chihuahua_ml_service.training.judging.behaviour.looks import Look, lies, look_at, upright

WHITE = np.full((10, 10, 3), 255, dtype=np.float32)


def exif_that_lies() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif


def test_a_look_is_the_files_size_and_what_the_network_sees(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (40, 30)).save(path)

    look = look_at(path, WHITE)

    assert look == Look(40, 30, look.brightness, 1.0)
    assert look.brightness == pytest.approx(255)


def test_a_lying_picture_has_the_size_that_it_has_upright(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (40, 30)).save(path, exif=exif_that_lies())

    look = look_at(path, WHITE)

    assert (look.width, look.height) == (30, 40)


def test_green_is_brighter_than_red_and_red_than_blue(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (4, 4)).save(path)
    channels = [WHITE * np.eye(3, dtype=np.float32)[channel] for channel in (1, 0, 2)]

    found = [look_at(path, picture).brightness for picture in channels]

    assert found == pytest.approx([149.7, 76.2, 29.1], abs=0.1)


def test_few_colours_are_flat_and_noise_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (4, 4)).save(path)
    eight = np.zeros((10, 10, 3), dtype=np.float32)
    eight[:, :8, 0] = np.arange(0, 256, 32)
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.float32)

    assert look_at(path, eight).flatness == 1.0
    assert look_at(path, noise).flatness < 0.05


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's word on what is damaged
@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0rubbish", id="no TIFF"),
        pytest.param(b"Exif\0\0MM\0*", id="nothing after the byte order"),
        pytest.param(
            b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x112, 2, 4, b"six\0", 0), id="a word"
        ),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_turn_nothing(
    tmp_path: Path, draw: Callable[..., Image.Image], kind: str, exif: bytes
) -> None:
    draw((40, 30)).save(tmp_path / "x", kind, exif=exif)

    with Image.open(tmp_path / "x") as image:
        assert not lies(image)
        assert upright(image).size == (40, 30)
