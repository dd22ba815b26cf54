import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from muffin_v_chihuahua_ml_service.training.judging.behaviour import changes
from muffin_v_chihuahua_ml_service.training.judging.behaviour.changes import Change
from muffin_v_chihuahua_ml_service.training.judging.behaviour.looks import lies, upright
from muffin_v_chihuahua_ml_service.training.judging.behaviour.versions import all_changes

Draw = Callable[..., Image.Image]


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def pixels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("RGB"), dtype=np.float64)


@pytest.mark.parametrize("change", [changes.as_png, changes.as_lossless_webp, changes.encode])
def test_a_lossless_format_loses_nothing(draw: Draw, change: Change) -> None:
    np.testing.assert_array_equal(pixels(decoded(change(draw()))), pixels(draw()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_laid_down_picture_looks_the_same_once_it_is_upright(draw: Draw, orientation: int) -> None:
    laid = decoded(changes.lying(draw(), orientation))

    assert laid.getexif()[ExifTags.Base.Orientation] == orientation
    assert lies(laid) == (orientation > 4)
    np.testing.assert_array_equal(pixels(upright(laid)), pixels(draw()))
    if orientation > 1:
        assert laid.size != draw().size or (pixels(laid) != pixels(draw())).any()


@pytest.mark.parametrize("degrees", [-10, 10])
def test_a_straightened_picture_has_its_proportions_and_no_empty_corner(draw: Draw, degrees: float) -> None:
    white = Image.new("RGB", (320, 200), "white")

    turned = decoded(changes.straightened(white, degrees))

    assert turned.width < 320
    assert turned.width / turned.height == pytest.approx(320 / 200, rel=0.01)
    assert pixels(turned).min() > 250
    tilted = pixels(decoded(changes.straightened(draw((320, 200)), degrees)))
    # red grew to the right only: what is turned anticlockwise has more of it above
    assert np.sign(tilted[0, :, 0].mean() - tilted[-1, :, 0].mean()) == np.sign(degrees)


@pytest.mark.parametrize(("factor", "size"), [(0.5, (32, 24)), (2, (128, 96))])
def test_a_resized_picture_has_so_many_pixels(draw: Draw, factor: float, size: tuple[int, int]) -> None:
    assert decoded(changes.resized(draw((64, 48)), factor)).size == size


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75, 1.0])
def test_the_patch_hides_so_much_of_the_middle(part: float) -> None:
    white = Image.new("RGB", (200, 120), "white")

    hidden = pixels(decoded(changes.occluded(white, part)))[..., 0] == 128

    assert hidden.mean() == pytest.approx(part, abs=0.01)
    assert hidden[60, 100]
    assert hidden[0, 0] == (part == 1)


def test_noise_takes_the_place_of_the_picture(draw: Draw) -> None:
    image = draw((96, 96))

    like = [
        np.corrcoef(
            pixels(image)[..., 0].ravel(), pixels(decoded(changes.noisy(image, part)))[..., 0].ravel()
        )[0, 1]
        for part in (0.25, 0.5, 0.75, 1.0)
    ]

    assert like == sorted(like, reverse=True)
    assert abs(like[-1]) < 0.05
    noise = pixels(decoded(changes.noisy(image, 1.0)))
    assert (noise.mean(), noise.std()) == (pytest.approx(128, abs=1), pytest.approx(63, abs=2))


def test_the_same_picture_gets_the_same_noise_and_another_one_another(draw: Draw) -> None:
    assert changes.noisy(draw(), 1.0) == changes.noisy(draw(), 1.0)
    assert changes.noisy(draw(), 1.0) != changes.noisy(Image.new("RGB", draw().size), 1.0)


def test_brightness_contrast_mirror_and_grey_are_what_they_are_called() -> None:
    halves = Image.new("RGB", (20, 10), (50, 100, 100))
    halves.paste((150, 100, 100), (10, 0, 20, 10))

    def middle(data: bytes) -> list[list[float]]:
        found: list[list[float]] = pixels(decoded(data))[5, [5, 15]].tolist()
        return found

    assert middle(changes.brighter(halves, 0.8)) == [[40, 80, 80], [120, 80, 80]]
    [left, right] = middle(changes.more_contrast(halves, 1.2))
    assert right[0] - left[0] == pytest.approx(1.2 * 100, abs=1)
    assert middle(changes.mirrored(halves)) == [[150, 100, 100], [50, 100, 100]]
    assert all(len(set(pixel)) == 1 for pixel in middle(changes.grey(halves)))


def test_less_quality_is_further_from_the_picture() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))

    distances = [
        np.abs(pixels(decoded(all_changes()[f"JPEG quality {quality}"](image))) - pixels(image)).mean()
        for quality in (95, 75, 50, 30)
    ]

    assert distances == sorted(distances)


@pytest.mark.parametrize("name", all_changes())
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (300, 2)])
def test_no_version_needs_a_picture_of_some_size(name: str, size: tuple[int, int]) -> None:
    changed = decoded(all_changes()[name](Image.new("RGB", size, "red")))

    changed.load()
    assert min(changed.size) >= 1
