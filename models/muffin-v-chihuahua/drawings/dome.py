"""The dome of a muffin: its recipe, its crust, and what sits on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canvas import (
    SHEET,
    Array,
    Colour,
    Scene,
    around,
    blend,
    ellipse,
    mix,
    ramp,
)
from noise import clouds, pits, ridges, spread
from solid import Ball, Pose, light_up, relief
from toppings import Topping, almond, berry, chip, poppy, raisin, streusel, sugar

STEEP = -0.95
FACE = ((-0.36, 0.14), (0.36, 0.14), (0.02, -0.34))


@dataclass(frozen=True)
class Dough:
    """Colours of the batter where it stays pale, where it browns, and where it nearly burns."""

    pale: Colour
    golden: Colour
    brown: Colour


@dataclass(frozen=True)
class Recipe:
    """A batter, what is strewn over it: the topping, how many, and their size in muffin units."""

    dough: Dough
    toppings: tuple[tuple[Topping, int, float], ...]


VANILLA = Dough((0.96, 0.83, 0.56), (0.87, 0.62, 0.3), (0.6, 0.34, 0.14))
BRAN = Dough((0.82, 0.6, 0.36), (0.66, 0.42, 0.2), (0.42, 0.23, 0.1))
CHOCOLATE = Dough((0.4, 0.24, 0.16), (0.3, 0.17, 0.11), (0.19, 0.1, 0.07))
LEMON = Dough((0.98, 0.9, 0.62), (0.93, 0.74, 0.38), (0.72, 0.46, 0.18))

RECIPES = (
    Recipe(VANILLA, ((berry, 9, 0.16),)),
    Recipe(VANILLA, ((berry, 6, 0.19),)),
    Recipe(LEMON, ((sugar, 40, 0.05), (berry, 12, 0.13))),
    Recipe(VANILLA, ((chip, 14, 0.1),)),
    Recipe(VANILLA, ((chip, 24, 0.075),)),
    Recipe(CHOCOLATE, ((chip, 16, 0.1),)),
    Recipe(BRAN, ((sugar, 16, 0.05), (raisin, 11, 0.12))),
    Recipe(LEMON, ((poppy, 70, 0.07),)),
    Recipe(VANILLA, ((streusel, 90, 0.075), (berry, 4, 0.15))),
    Recipe(VANILLA, ((sugar, 60, 0.06), (berry, 7, 0.15))),
    Recipe(BRAN, ((almond, 16, 0.14), (raisin, 5, 0.1))),
)


def dome_balls(rng: np.random.Generator, size: float) -> list[Ball]:
    """Returns the dome and the bumps that the rising batter made."""
    tall = rng.uniform(0.55, 0.78)
    balls = [Ball((0, 0, 0), (size, tall, size)), Ball((0, 0.04, 0), (size * 1.02, 0.24, size * 1.02))]
    for x, z in spread(rng, 7, 0.45, 0.68):
        away = x * x + z * z
        balls.append(Ball((x, -tall * np.sqrt(1 - away) * 0.72, z), (0.4, 0.26, 0.4)))
    return balls


def paint_dome(scene: Scene, recipe: Recipe, where: Pose, size: float) -> None:
    """Paints the dome: crumb, cracks and browning, then what sits on it."""
    rng, sheet = scene.rng, around(where.centre[0], where.centre[1] - 0.1 * where.scale, 1.25 * where.scale)
    balls = dome_balls(rng, size)
    shape = relief(balls, where, 0.07, sheet)
    own = where.own(sheet.x, sheet.y, shape.height)
    crumb, coarse = clouds(rng, 70, 3)[sheet.area], clouds(rng, 16, 4)[sheet.area]
    crack = ramp(ridges(rng, 4)[sheet.area] + 0.22 * crumb, 0.62, 1.0) * ramp(-own[..., 1], 0.2, 0.42)
    holes = pits(rng, 900, 0.018)[sheet.area]
    # From above the dome's round form shows in its light alone: a little more than is true.
    form = shape.height * (1.5 if where.turn[2, 1] < STEEP else 1)
    rough = where.scale * (0.007 * crumb + 0.016 * coarse - 0.02 * crack - 0.008 * holes)
    colour = browning(recipe.dough, own, coarse, crack)
    colour = colour * (1 - 0.16 * holes + 0.07 * crumb)[..., None]
    lit = light_up(scene, np.asarray(colour, np.float32), np.asarray(form + rough, np.float32), 0.04, 2.6)
    # Light also travels through a crumb: some of its colour shows unlit.
    blend(scene, 0.8 * lit + 0.22 * colour, shape.cover, sheet)
    dome = np.zeros((SHEET, SHEET), np.float32)
    dome[sheet.area] = shape.cover
    strew(scene, recipe, where, balls[0].radii, dome)


def browning(dough: Dough, own: Array, noise: Array, crack: Array) -> Array:
    """Returns the colours [h, w, 3] of a crust: browner on top and on bumps, pale in its cracks."""
    away = np.asarray(np.hypot(own[..., 0], own[..., 2]), np.float32)
    colour = mix(dough.pale, dough.golden, ramp(noise * 0.4 - own[..., 1], -0.1, 0.45))
    colour = mix(colour, dough.brown, 0.75 * ramp(noise, 0.0, 0.9) * ramp(away, 1.15, 0.5))
    colour = mix(
        colour, dough.brown, 0.6 * ramp(away + 0.25 * noise, 0.78, 1.1) * ramp(-own[..., 1], -0.25, 0.1)
    )
    return mix(colour, np.asarray(dough.pale) * 0.95, crack * 0.8)


def strew(scene: Scene, recipe: Recipe, where: Pose, radii: Sequence[float], dome: Array) -> None:
    """Sets the toppings on the dome, the ones at the back first, leaving out those out of sight."""
    above = where.turn[2, 1] < STEEP
    # From the side, what sits beyond the dome's brow would seem to hover over it.
    least, lift, reach = (0.05, 0.1, 0.84) if above else (0.3, 0.02, 0.97)
    for topping, count, size in recipe.toppings:
        gap = size * (1.0 if topping is streusel else 1.9)
        spots = spread(scene.rng, count if above else count * 2, gap, reach)
        grown = size
        if above and topping in {berry, chip, raisin} and scene.rng.uniform() < 0.4:
            spots, grown = face_like(scene.rng, where), max(size, 0.15)
        points = [(x, -radii[1] * math.sqrt(1 - min(x * x + z * z, 0.99)) - lift, z) for x, z in spots]
        for x, y, z in sorted(points, key=lambda point: float(where.place(point)[1])):
            outward = where.turn @ np.array([x, y / radii[1] ** 2, z])
            if outward[2] > least:
                size_here = grown * where.scale * scene.rng.uniform(0.8, 1.15)
                set_down(scene, topping, where.place((x, y, z)), size_here, dome)


def set_down(scene: Scene, topping: Topping, centre: Array, size: float, dome: Array) -> None:
    """Sets one topping on the dome; its shadow and its stain stop where the dome ends."""
    window = around(centre[0], centre[1], size * 3.2)
    before = scene.pixels[window.area].copy()
    topping(scene, centre, size)
    body = ramp(ellipse(window, centre, (size * 1.12, size * 1.12)), -0.02, 0.1)
    kept = np.maximum(dome[window.area], body)
    scene.pixels[window.area] = mix(before, scene.pixels[window.area], kept)


def face_like(rng: np.random.Generator, where: Pose) -> list[tuple[float, float]]:
    """Returns three spots where a chihuahua has its eyes and its nose: what the meme lives on."""
    jitter = np.array(FACE) * rng.uniform(0.85, 1.15) + rng.normal(0, 0.035, (3, 2))
    # The picture's directions on the dome, seen from above through the muffin's own turn.
    screen = np.c_[jitter[:, 0], -jitter[:, 1], np.zeros(3)] @ where.turn
    return [(float(x), float(z)) for x, _, z in screen]
