"""The mathematics and the drawing of explanations, on arrays that a test can see through."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.model.explaining.activation import activation_maps
from muffin_v_chihuahua_ml_service.model.explaining.colours import viridis
from muffin_v_chihuahua_ml_service.model.explaining.drawing import heat_map, overlay, png, seen, warmth
from muffin_v_chihuahua_ml_service.model.explaining.occlusion import (
    GRIDS,
    Cell,
    cells,
    hidden,
    log_odds,
    merged,
)


def test_the_mean_of_the_maps_over_all_places_is_what_the_head_says_of_the_mean_features() -> None:
    rng = np.random.default_rng(0)
    features, head = rng.random((7, 5, 16), np.float32), rng.random((17, 3), np.float32)

    maps = activation_maps(features, head)

    assert maps.shape == (7, 5, 3)
    pooled = features.mean(axis=(0, 1))
    np.testing.assert_allclose(maps.mean(axis=(0, 1)), pooled @ head[:-1] + head[-1], rtol=1e-5)


def test_the_colours_are_viridis_and_each_is_lighter_than_the_one_before() -> None:
    heat = np.linspace(0, 1, 256, dtype=np.float32)

    colours = viridis(heat).astype(float)

    assert np.abs(colours - 255 * mpl.colormaps["viridis"](heat)[:, :3]).max() < 6
    lightness = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) >= -0.3).all()  # rounded to whole numbers
    assert lightness[-1] > 10 * lightness[0]


def test_what_speaks_against_a_class_is_cold_and_all_classes_share_one_scale() -> None:
    maps = np.zeros((2, 2, 2), dtype=np.float32)
    maps[0, 0], maps[1, 1] = (8, -8), (-4, 4)

    heat = warmth(maps)

    assert heat[..., 0].tolist() == [[1, 0], [0, 0]]
    assert heat[..., 1].tolist() == [[0, 0], [0, 0.5]]


def test_where_nothing_speaks_for_anything_all_is_cold() -> None:
    assert not warmth(np.full((3, 3, 2), -1, dtype=np.float32)).any()


@pytest.mark.parametrize(
    ("height", "width", "size"), [(224, 224, (448, 448)), (299, 200, (300, 448)), (600, 300, (300, 600))]
)
def test_what_the_model_saw_is_enlarged_to_what_a_person_can_see(
    height: int, width: int, size: tuple[int, int]
) -> None:
    assert seen(np.zeros((height, width, 3), dtype=np.float32)).size == size


def test_what_the_model_saw_is_its_array() -> None:
    array = np.random.default_rng(1).integers(0, 256, (448, 448, 3)).astype(np.float32)

    np.testing.assert_array_equal(np.asarray(seen(array)), array)


def test_heat_is_drawn_where_it_is_and_the_cold_shows_the_picture() -> None:
    image, heat = Image.new("RGB", (40, 20), (200, 200, 200)), np.zeros((4, 4), dtype=np.float32)
    heat[0, 3] = 1

    alone = np.asarray(heat_map(heat, image.size)).astype(int)
    over = np.asarray(overlay(image, heat)).astype(int)

    assert alone.shape == over.shape == (20, 40, 3)
    assert alone[0, 39].tolist() == [253, 231, 37]
    assert alone[19, 0].tolist() == [68, 1, 84]
    assert over[0, 39, 2] < 100 < over[19, 0, 2]


def test_a_drawing_is_a_png_of_its_size() -> None:
    with Image.open(io.BytesIO(png(Image.new("RGB", (30, 20), "red")))) as image:
        image.load()

    assert (image.format, image.size) == ("PNG", (30, 20))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("shape", [(224, 224), (10, 33)])
def test_every_place_of_a_picture_is_hidden_by_some_cell(grid: int, shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), dtype=np.float32)

    covered = [hidden(picture, cell, np.ones(3, np.float32)) for cell in cells(grid)]

    assert len(covered) == grid**2
    assert np.max(covered, axis=0).all()
    assert all(0 < each.mean() < 0.5 for each in covered)
    assert not picture.any()


def test_a_cell_is_hidden_in_the_colour_and_the_rest_is_left() -> None:
    picture = np.zeros((40, 40, 3), dtype=np.float32)

    changed = hidden(picture, Cell(4, 0, 3), np.array([1, 2, 3], dtype=np.float32))

    assert changed[0, 39].tolist() == [1, 2, 3]
    assert changed[:12, 28:].all()
    assert changed.sum() == 12 * 12 * 6


def test_a_sure_answer_that_becomes_less_sure_has_lost_something() -> None:
    sure, less = (log_odds(np.array([p, 1 - p])) for p in (1 - 1e-6, 1 - 1e-4))

    assert sure[0] - less[0] == pytest.approx(np.log(100), abs=0.01)
    assert np.isfinite(log_odds(np.array([1.0, 0.0]))).all()


def test_what_a_class_without_probability_does_is_no_loss() -> None:
    assert (log_odds(np.array([0.9, 0.1, 1e-9])) - log_odds(np.array([0.9, 0.1, 1e-5])))[2] < 1e-4


def test_grids_are_merged_to_one_as_fine_as_the_finest_with_the_heat_where_it_was() -> None:
    grids = [np.zeros((grid, grid, 2)) for grid in (3, 5, 7)]
    for each in grids:
        each[-1, 0, 1] = 6

    together = merged(grids)

    assert together.shape == (7, 7, 2)
    assert not together[..., 0].any()
    assert together[..., 1].argmax() == 6 * 7
    assert together[..., 1].max() == pytest.approx(6)
    np.testing.assert_array_equal(merged(grids[:1]), grids[0].astype(np.float32))
