import io
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image

from muffin_v_chihuahua_ml_service.training.data.augmentation import random_view

Draw = Callable[..., Image.Image]
Encode = Callable[..., bytes]

WHITE = (255, 255, 255)


def view(picture: bytes, seed: int) -> Image.Image:
    return Image.open(io.BytesIO(random_view(picture, random.Random(seed), WHITE)))  # noqa: S311


def test_the_same_state_gives_the_same_view_and_another_state_another(draw: Draw, encode: Encode) -> None:
    picture = encode(draw((200, 150)))

    views = [view(picture, seed).tobytes() for seed in range(10)]

    assert views == [view(picture, seed).tobytes() for seed in range(10)]
    assert len(set(views)) == 10


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (72, 72), (73, 300), (400, 300)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
def test_a_view_is_a_jpeg_hardly_larger_than_the_picture_and_no_smaller_than_those_that_are_posted(
    draw: Draw, encode: Encode, size: tuple[int, int], mode: str
) -> None:
    picture = encode(draw(size, mode))

    for seed in range(12):
        seen = view(picture, seed)
        assert (seen.format, seen.mode) == ("JPEG", "RGB")
        assert seen.width <= round(1.33 * size[0])
        assert seen.height <= size[1]
        assert min(seen.size) >= min(72, int(0.38 * min(size)) or 1)


def test_about_half_of_the_views_are_mirrored(encode: Encode) -> None:
    picture = Image.new("RGB", (100, 100), "black")
    picture.paste("white", (60, 0, 100, 100))

    mirrored = 0
    for seed in range(100):
        seen = np.asarray(view(encode(picture), seed).convert("L"))
        row = seen[len(seen) // 2]
        mirrored += int(row[2] > row[-3])

    assert 30 < mirrored < 70


def test_a_view_of_a_picture_that_lies_on_its_side_is_upright(draw: Draw, encode: Encode) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = draw((200, 100)).transpose(Image.Transpose.ROTATE_90)

    for seed in range(5):
        assert (
            view(encode(lying, exif=exif), seed).tobytes() == view(encode(draw((200, 100))), seed).tobytes()
        )


def test_what_is_transparent_shows_the_background(encode: Encode) -> None:
    invisible = Image.new("RGBA", (80, 80), (0, 0, 0, 0))

    darkest = min(np.asarray(view(encode(invisible), seed)).min() for seed in range(10))

    assert darkest > 150


def test_some_views_are_small_some_turned_some_without_colour(encode: Encode) -> None:
    picture = Image.new("RGB", (300, 300), (200, 60, 60))
    picture.paste((20, 160, 60), (0, 0, 300, 150))

    views = [view(encode(picture), seed) for seed in range(100)]

    small = sum(min(seen.size) <= 224 for seen in views)
    squeezed = sum(abs(seen.width / seen.height - 1) > 0.3 for seen in views)
    grey = sum(np.ptp(np.asarray(seen).astype(int), axis=2).max() < 12 for seen in views)
    assert 50 < small < 90
    assert 3 < squeezed < 30
    assert 3 < grey < 25
