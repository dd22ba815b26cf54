"""What is baked into a muffin or strewn over it; positions and sizes in screen units."""

from collections.abc import Callable

import numpy as np

from canvas import (
    Array,
    Colour,
    Scene,
    around,
    blend,
    blur,
    ellipse,
    glow,
    mix,
    polygon,
    ramp,
    shadow,
    smooth_outline,
)
from solid import Ball, cushion, light_up, pose, relief

Topping = Callable[[Scene, Array, float], None]


def seat(scene: Scene, centre: Array, size: float, tint: Colour = (0.35, 0.2, 0.12)) -> None:
    """Darkens the dough around something that sits in it, more on the side away from the light."""
    window = around(centre[0], centre[1], size * 2.2)
    away = (centre[0] - scene.light[0] * size * 0.25, centre[1] - scene.light[1] * size * 0.25)
    shadow(scene, 0.75 * ramp(ellipse(window, away, (size * 1.55, size * 1.55)), 0, 0.6), window, tint)


def berry(scene: Scene, centre: Array, size: float) -> None:
    """Paints a blueberry, burst in the oven or whole, with its bloom and its crown."""
    rng = scene.rng
    stain = around(centre[0], centre[1], size * 3)
    burst = ramp(ellipse(stain, centre, (size * 2, size * 1.7), rng.uniform(0, 3)), 0, 1)
    shadow(scene, burst * rng.uniform(0.1, 0.8), stain, (0.42, 0.16, 0.36))
    seat(scene, centre, size, (0.3, 0.12, 0.2))
    window = around(centre[0], centre[1], size * 1.4)
    shape = relief(
        [Ball((0, 0, 0), (1, rng.uniform(0.86, 1), 1))],
        pose(centre, size, roll=rng.uniform(0, 3)),
        0.05,
        window,
    )
    mottle = np.asarray(rng.uniform(-1, 1, shape.height.shape), np.float32)
    bloom = ramp(blur(mottle, size * 0.16) * 5, -0.8, 1.2) * rng.uniform(0.3, 0.9)
    dark = np.array([(0.13, 0.13, 0.3), (0.17, 0.1, 0.25), (0.1, 0.1, 0.2)])[rng.integers(3)]
    blend(
        scene,
        light_up(scene, mix(dark, (0.42, 0.46, 0.68), bloom), shape.height, 0.45, 0),
        shape.cover,
        window,
    )
    if rng.uniform() < 0.6:
        crown(scene, centre, size)


def crown(scene: Scene, centre: Array, size: float) -> None:
    """Paints the little star at the end of a blueberry."""
    rng = scene.rng
    spot = centre[:2] + rng.uniform(-0.4, 0.4, 2) * size
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False) + rng.uniform(0, 1)
    reach = np.where(np.arange(10) % 2, 0.22, 0.42) * size
    star = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * reach[:, None]
    blend(scene, (0.45, 0.45, 0.6), polygon(star + spot) * 0.7)
    blend(scene, (0.05, 0.04, 0.1), polygon(star * 0.62 + spot) * 0.95)


def chip(scene: Scene, centre: Array, size: float) -> None:
    """Paints a chocolate chip or chunk, half molten and glossy."""
    rng = scene.rng
    seat(scene, centre, size)
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    reach = size * rng.uniform(0.7, 1.05, 7)
    knots = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * reach[:, None] + centre[:2]
    brown = np.array([0.24, 0.125, 0.075]) * rng.uniform(0.8, 1.25)
    cushion(scene, polygon(smooth_outline(knots)), brown, size * 0.8, gloss=0.4)


def raisin(scene: Scene, centre: Array, size: float) -> None:
    """Paints a wrinkled raisin."""
    rng = scene.rng
    seat(scene, centre, size)
    window = around(centre[0], centre[1], size * 1.4)
    shape = relief([Ball((0, 0, 0), (1, 0.7, 0.7))], pose(centre, size, roll=rng.uniform(0, 3)), 0.05, window)
    noise = blur(np.asarray(rng.uniform(-1, 1, shape.height.shape), np.float32), size * 0.14)
    height = shape.height + size * noise * 1.2
    colour = mix((0.2, 0.11, 0.08), (0.34, 0.18, 0.1), ramp(noise, -0.1, 0.2))
    blend(scene, light_up(scene, colour, height, 0.3, 0), shape.cover, window)


def streusel(scene: Scene, centre: Array, size: float) -> None:
    """Paints one crumble of butter, sugar and flour."""
    rng = scene.rng
    seat(scene, centre, size * 0.8)
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    reach = size * rng.uniform(0.6, 1.1, 8)
    knots = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * reach[:, None] + centre[:2]
    tone = np.array([(0.93, 0.76, 0.47), (0.86, 0.63, 0.34), (0.78, 0.53, 0.27)])[rng.integers(3)]
    cushion(scene, polygon(smooth_outline(knots, 6)), tone, size * 0.8)


def almond(scene: Scene, centre: Array, size: float) -> None:
    """Paints a flake of almond with its brown rim."""
    rng = scene.rng
    seat(scene, centre, size * 0.7)
    turn = rng.uniform(0, 3.1)
    window = around(centre[0], centre[1], size * 1.4)
    flake = ellipse(window, centre, (size, size * 0.55), turn)
    blend(scene, (0.66, 0.42, 0.22), ramp(flake, 0, 0.15), window)
    inner = ramp(flake, 0.12, 0.3)
    blend(scene, mix((0.93, 0.83, 0.62), (0.99, 0.94, 0.8), ramp(flake, 0.2, 1)), inner, window)


def poppy(scene: Scene, centre: Array, size: float) -> None:
    """Paints a pinch of poppy seeds."""
    rng = scene.rng
    for offset in rng.normal(0, size, (3, 2)):
        spot = centre[:2] + offset
        window = around(spot[0], spot[1], 0.03)
        seed = ellipse(window, spot, (0.013, 0.011), rng.uniform(0, 3))
        blend(scene, (0.13, 0.14, 0.19), ramp(seed, 0, 0.5), window)
        glow(scene, (0.5, 0.5, 0.6), 0.6 * ramp(ellipse(window, spot - 0.003, (0.006, 0.005)), 0, 1), window)


def sugar(scene: Scene, centre: Array, size: float) -> None:
    """Paints a few grains of coarse sugar that catch the light."""
    rng = scene.rng
    for offset in rng.normal(0, size, (3, 2)):
        spot, grain = centre[:2] + offset, rng.uniform(0.009, 0.02)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 5))
        window = around(spot[0], spot[1], 0.05)
        shadow(scene, 0.4 * ramp(ellipse(window, spot + 0.007, (grain * 1.3, grain * 1.3)), 0, 1), window)
        crystal = polygon(np.stack([np.cos(angles), np.sin(angles)], axis=-1) * grain + spot)
        blend(scene, np.array([1, 0.97, 0.9]) * rng.uniform(0.82, 1), crystal * 0.9)
