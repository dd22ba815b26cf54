"""Plants out of doors: a sunflower, a tree, and the meadow it stands in."""

import numpy as np

from backgrounds import backdrop, bokeh, grass, painted, pick
from canvas import (
    Array,
    Scene,
    around,
    blend,
    blur,
    ellipse,
    line,
    mix,
    polygon,
    ramp,
    shadow,
    smooth_outline,
    whole,
)
from food import circle
from fur import Hair, comb
from noise import clouds, spread
from solid import Ball, cushion, light_up, pose, relief


def sunflower(scene: Scene) -> None:
    """A sunflower or a daisy: petals in rings, seeds in a spiral."""
    rng = scene.rng
    backdrop(scene, (bokeh, painted, grass))
    cushion(scene, line([(0, 0), (rng.uniform(-0.2, 0.2), 1.1)], 0.07), (0.3, 0.48, 0.18), 0.04)
    hue = pick(rng, [(0.98, 0.76, 0.12), (0.96, 0.95, 0.92), (0.9, 0.45, 0.55), (0.95, 0.55, 0.15)])
    core, reach = rng.uniform(0.2, 0.3), rng.uniform(0.68, 0.82)
    for ring in range(3):
        for angle in np.linspace(0, 2 * np.pi, 17, endpoint=False) + ring * 0.25 + rng.normal(0, 0.04, 17):
            petal(
                scene,
                angle,
                core * 0.8,
                reach * rng.uniform(0.88, 1.05) * (1 - 0.12 * ring),
                hue * (0.82 + 0.09 * ring),
            )
    heart = polygon(circle(0, 0, core))
    shadow(scene, 0.5 * blur(heart, 0.04))
    cushion(scene, heart, (0.36, 0.21, 0.1), 0.12)
    for index in range(230):
        angle, away = index * 2.39996, core * 0.96 * np.sqrt(index / 230)
        spot = (away * np.cos(angle), away * np.sin(angle))
        window = around(*spot, 0.03)
        tone = (0.55, 0.36, 0.14) if away > core * 0.55 else (0.26, 0.16, 0.08)
        blend(scene, tone, 0.8 * ramp(ellipse(window, spot, (0.014, 0.014)), 0, 0.8), window)


def petal(scene: Scene, angle: float, near: float, far: float, hue: Array) -> None:
    """Paints a petal that points from the middle outwards."""
    knots = np.array([(near, -0.03), (far * 0.6, -0.085), (far, 0), (far * 0.6, 0.085), (near, 0.03)])
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    outline = smooth_outline(knots @ spin)
    cover = polygon(outline)
    tone = hue * scene.rng.uniform(0.92, 1.08)
    shadow(scene, 0.3 * blur(cover, 0.015))
    blend(scene, tone, cover)
    shadow(scene, 0.35 * line(np.array([(near, 0), (far * 0.85, 0)]) @ spin, 0.006), tint=(0.7, 0.45, 0.2))
    shadow(
        scene,
        0.4 * cover * ramp(np.asarray(np.hypot(whole().x, whole().y), np.float32), near + 0.2, near),
        tint=(0.7, 0.4, 0.2),
    )


def sky(scene: Scene) -> None:
    """A sky with clouds above a meadow."""
    sheet = whole()
    drift = clouds(scene.rng, 4, 5, tall=2)
    heaven = mix((0.75, 0.87, 0.95), (0.35, 0.58, 0.85), ramp(sheet.y, 0.4, -1))
    blend(scene, mix(heaven, (0.98, 0.97, 0.96), ramp(drift, 0.1, 0.9) * 0.8), np.ones_like(drift))
    field = ramp(sheet.y + 0.04 * clouds(scene.rng, 3, 2), 0.42, 0.46)
    blend(scene, mix((0.5, 0.66, 0.3), (0.26, 0.42, 0.16), ramp(sheet.y, 0.4, 1)), field)
    flow = np.broadcast_to(np.array([0.1, -1], np.float32), (*drift.shape, 2))
    comb(scene, field, flow, Hair(9000, 0.06, 0.008, 0.2, 0.4))


def tree(scene: Scene) -> None:
    """A leafy tree in a meadow, in any season but winter."""
    rng = scene.rng
    sky(scene)
    sheet = whole()
    shadow(scene, 0.6 * ramp(ellipse(sheet, (-scene.light[0] * 0.2, 0.7), (0.6, 0.12)), -0.2, 0.8))
    trunk = smooth_outline([(-0.1, 0.1), (-0.09, 0.5), (-0.17, 0.72), (0.17, 0.72), (0.09, 0.5), (0.1, 0.1)])
    cushion(scene, polygon(trunk), (0.38, 0.27, 0.18), 0.09)
    leaf = pick(
        rng, [(0.28, 0.5, 0.16), (0.4, 0.6, 0.2), (0.85, 0.5, 0.15), (0.9, 0.62, 0.7), (0.7, 0.28, 0.14)]
    )
    crown = [
        Ball((x, y * 0.8 - 0.25, rng.uniform(-0.2, 0.2)), (0.3, 0.26, 0.3))
        for x, y in spread(rng, 14, 0.22, 0.42)
    ]
    shape = relief(crown, pose((0, 0), 1), 0.03)
    colour = leaf * (1 + 0.15 * clouds(rng, 12))[..., None]
    blend(
        scene,
        light_up(
            scene,
            np.asarray(colour, np.float32),
            np.asarray(shape.height + 0.03 * clouds(rng, 30, 2), np.float32),
        ),
        shape.cover,
    )
    flow = np.dstack([clouds(rng, 20, 2), clouds(rng, 20, 2)])
    comb(scene, shape.cover, flow, Hair(12000, 0.04, 0.018, 0.22, 1.5))
