"""Food and drink that is no muffin: fruit, a pizza, a biscuit, a fried egg, a mug of coffee."""

import numpy as np

from backgrounds import TABLES, backdrop, pick
from canvas import (
    Array,
    Scene,
    around,
    blend,
    blur,
    ellipse,
    glow,
    line,
    mix,
    polygon,
    ramp,
    shadow,
    smooth_outline,
    whole,
)
from noise import clouds, pits, spread
from solid import Ball, cushion, light_up, pose, relief
from toppings import chip

BRIM, FOOT = -0.25, 0.55
GLAZES = ((0.85, 0.3, 0.25), (0.25, 0.45, 0.6), (0.93, 0.91, 0.87), (0.3, 0.5, 0.42), (0.95, 0.75, 0.3))


def circle(x: float, y: float, reach: float, wobble: Array | None = None) -> Array:
    """Returns the outline of a circle, its radius at its knots multiplied by `wobble` [n]."""
    count = 16 if wobble is None else len(wobble)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = reach * (np.ones(count) if wobble is None else wobble)
    return smooth_outline(np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=-1))


def drop_shadow(scene: Scene, cover: Array, reach: float = 0.06) -> None:
    """Paints the shadow a flat shape throws beside itself, away from the light."""
    steps = [int(-part * reach * 300) for part in scene.light[:2]]
    shadow(scene, 0.65 * blur(np.roll(cover, (steps[1], steps[0]), axis=(0, 1)), reach * 0.7))


def apple(scene: Scene) -> None:
    """An apple with its stem and leaf."""
    rng = scene.rng
    backdrop(scene, TABLES)
    where, sheet = (
        pose((rng.uniform(-0.06, 0.06), 0.08), rng.uniform(0.5, 0.62), pitch=rng.uniform(0.2, 0.5)),
        whole(),
    )
    shadow(
        scene,
        0.7 * ramp(ellipse(sheet, (where.centre[0] - scene.light[0] * 0.2, 0.62), (0.7, 0.25)), -0.2, 0.7),
    )
    lobes = [Ball((0.3 * np.cos(a), 0, 0.3 * np.sin(a)), (0.72, 0.9, 0.72)) for a in np.arange(5) * 1.257]
    shape = relief(lobes, where, 0.05)
    own = where.own(sheet.x, sheet.y, shape.height)
    ripe, fresh = pick(
        rng,
        [
            [(0.78, 0.1, 0.1), (0.92, 0.7, 0.25)],
            [(0.5, 0.7, 0.15), (0.75, 0.82, 0.35)],
            [(0.85, 0.25, 0.15), (0.95, 0.8, 0.3)],
        ],
    )
    streaks = np.sin(np.arctan2(own[..., 0], own[..., 2]) * 24 + 2 * clouds(rng, 8))
    colour = mix(ripe, fresh, ramp(np.asarray(streaks * 0.3 + own[..., 1], np.float32), -0.1, 1.3))
    blend(scene, light_up(scene, colour, shape.height, 0.6), shape.cover)
    top = where.place((0, -0.85, 0.1))
    shadow(scene, 0.8 * ramp(ellipse(sheet, top, (0.2, 0.07)), 0, 1))
    stem = top[:2] + np.array([(0, 0), (0.02, -0.13), (0.08, -0.24)])
    cushion(scene, line(stem, 0.045), (0.36, 0.24, 0.13), 0.02)
    leaf = top[:2] + np.array([(0.05, -0.12), (0.2, -0.28), (0.42, -0.28), (0.26, -0.12)])
    cushion(scene, polygon(smooth_outline(leaf)), (0.3, 0.52, 0.18), 0.05)


def orange(scene: Scene) -> None:
    """An orange, a lemon or a lime, with its dimpled peel."""
    rng = scene.rng
    backdrop(scene, TABLES)
    sheet, hue = whole(), pick(rng, [(0.96, 0.55, 0.1), (0.97, 0.83, 0.2), (0.5, 0.68, 0.15)])
    where = pose((0, 0.04), rng.uniform(0.5, 0.62), roll=rng.uniform(-0.5, 0.5))
    shadow(scene, 0.7 * ramp(ellipse(sheet, (-scene.light[0] * 0.2, 0.55), (0.7, 0.26)), -0.2, 0.7))
    balls = [Ball((0, 0, 0), (1, rng.uniform(0.8, 1), 1)), Ball((0.95, 0, 0), (0.15, 0.14, 0.14))]
    shape = relief(balls, where, 0.1)
    height = shape.height - 0.012 * pits(rng, 2500, 0.022)
    colour = hue * (1 + 0.06 * clouds(rng, 20))[..., None]
    blend(
        scene,
        light_up(scene, np.asarray(colour, np.float32), np.asarray(height, np.float32), 0.35),
        shape.cover,
    )


def pizza(scene: Scene) -> None:
    """A pizza from above with salami, olives and basil."""
    rng = scene.rng
    backdrop(scene, TABLES)
    reach, wobble = rng.uniform(0.74, 0.86), np.asarray(rng.uniform(0.97, 1.03, 20), np.float32)
    crust = polygon(circle(0, 0, reach, wobble))
    drop_shadow(scene, crust)
    dough = mix((0.92, 0.74, 0.46), (0.68, 0.42, 0.2), ramp(clouds(rng, 9), -0.2, 1))
    cushion(scene, crust, dough, 0.14)
    cushion(scene, polygon(circle(0, 0, reach * 0.86, wobble)), (0.72, 0.22, 0.1), 0.02)
    cheese = mix((0.98, 0.85, 0.5), (0.9, 0.6, 0.25), ramp(clouds(rng, 8), 0, 1))
    melted = polygon(circle(0, 0, reach * 0.81, np.asarray(rng.uniform(0.92, 1.05, 26), np.float32)))
    height = 0.025 * clouds(rng, 12)
    blend(scene, light_up(scene, cheese, height, 0.12), blur(melted, 0.01))
    for x, y in spread(rng, 9, 0.4, reach * 0.7):
        slice_cover = polygon(circle(x, y, 0.125))
        drop_shadow(scene, slice_cover, 0.02)
        cushion(
            scene,
            slice_cover,
            mix((0.68, 0.16, 0.12), (0.85, 0.42, 0.35), ramp(clouds(rng, 40, 2), 0.3, 0.8)),
            0.015,
            0.1,
        )
    for x, y in spread(rng, 7, 0.35, reach * 0.7):
        leaf = np.array([(-0.11, 0), (0, -0.05), (0.12, 0), (0, 0.05)]) + np.array((x, y))
        cushion(scene, polygon(smooth_outline(leaf)), (0.22, 0.45, 0.15), 0.02)


def biscuit(scene: Scene) -> None:
    """A flat biscuit with chips: as brown and as spotted as a muffin."""
    rng = scene.rng
    backdrop(scene, TABLES)
    for x, y in [(0.0, 0.0)] if rng.uniform() < 0.6 else [(-0.42, -0.35), (0.42, -0.2), (0.0, 0.42)]:
        reach = 0.68 if x == y == 0 else 0.38
        cover = polygon(circle(x, y, reach, np.asarray(rng.uniform(0.96, 1.04, 14), np.float32)))
        drop_shadow(scene, cover, 0.05)
        tone = mix((0.87, 0.66, 0.4), (0.72, 0.47, 0.24), ramp(clouds(rng, 8), -0.3, 0.9))
        height = 0.04 * ramp(blur(cover, 0.05), 0.4, 1) + 0.008 * clouds(rng, 40, 3)
        blend(scene, light_up(scene, tone, np.asarray(height, np.float32)), cover)
        for u, v in spread(rng, 9, reach * 0.4, reach * 0.8):
            chip(scene, np.array([x + u, y + v, 0], np.float32), reach * 0.11)


def fried_egg(scene: Scene) -> None:
    """A fried egg on a dark plate or in a pan."""
    rng = scene.rng
    backdrop(scene, TABLES)
    pan = polygon(circle(0, 0, 0.9))
    drop_shadow(scene, pan)
    dish = pick(rng, [(0.16, 0.16, 0.17), (0.3, 0.38, 0.45), (0.6, 0.3, 0.25)])
    cushion(scene, pan, dish, 0.12, 0.2)
    cushion(scene, polygon(circle(0, 0, 0.76)), dish * 0.8, 0.03, 0.1)
    white = polygon(circle(0, 0, 0.56, np.asarray(rng.uniform(0.82, 1.18, 11), np.float32)))
    drop_shadow(scene, white, 0.03)
    cushion(scene, white, mix((0.97, 0.96, 0.92), (0.9, 0.85, 0.74), ramp(clouds(rng, 9), 0.3, 1)), 0.07, 0.2)
    where = pose(rng.uniform(-0.1, 0.1, 2), rng.uniform(0.2, 0.25))
    window = around(where.centre[0], where.centre[1], 0.4)
    yolk = relief([Ball((0, 0, 0), (1, 1, 0.6))], where, 0.05, window)
    colour = np.broadcast_to(np.array([0.98, 0.7, 0.12], np.float32), (*yolk.height.shape, 3))
    blend(scene, light_up(scene, np.asarray(colour, np.float32), yolk.height, 0.7), yolk.cover, window)


def coffee(scene: Scene) -> None:
    """A mug of coffee, its steam rising."""
    rng, sheet = scene.rng, whole()
    backdrop(scene, TABLES)
    glaze, side, half = pick(rng, GLAZES), int(rng.choice([-1, 1])), rng.uniform(0.42, 0.5)
    shadow(scene, 0.7 * ramp(ellipse(sheet, (-scene.light[0] * 0.3, FOOT), (0.72, 0.24)), -0.2, 0.7))
    cushion(scene, line(circle(side * half, 0.12, 0.24), 0.1, closed=True), glaze, 0.05, 0.4)
    wall = np.asarray(np.sqrt(np.maximum(half**2 - sheet.x**2, 0)), np.float32)
    low = FOOT + 0.2 * wall
    cover = (wall > 0) * ramp(sheet.y, low + 0.004, low - 0.004) * ramp(sheet.y, BRIM - 0.004, BRIM + 0.004)
    colour = np.asarray(np.broadcast_to(glaze, (*sheet.x.shape, 3)))
    blend(scene, light_up(scene, colour, wall, 0.45, 0), np.asarray(cover, np.float32))
    for reach, tone in ((1.0, glaze * 1.05), (0.92, glaze * 0.55)):
        blend(scene, tone, ramp(ellipse(sheet, (0, BRIM), (half * reach, half * 0.3 * reach)), 0, 0.04))
    pour(scene, half)


def pour(scene: Scene, half: float) -> None:
    """Paints the coffee in a mug of half-width `half`, its crema and its steam."""
    rng, sheet = scene.rng, whole()
    drink = ramp(ellipse(sheet, (0, BRIM + 0.025), (half * 0.89, half * 0.24)), 0, 0.05)
    blend(scene, mix((0.25, 0.13, 0.07), (0.72, 0.5, 0.3), ramp(clouds(rng, 9), 0.1, 0.8)), drink)
    steam = blur(ramp(clouds(rng, 7, 3, tall=2.5), 0.1, 0.9), 0.03) * ramp(np.abs(sheet.x), half, 0.1)
    rising = ramp(sheet.y, BRIM, BRIM - 0.25) * ramp(sheet.y, -1, -0.5)
    glow(scene, (0.9, 0.9, 0.92), 0.5 * steam * rising)
