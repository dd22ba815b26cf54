"""What stands behind and beneath: studios, bokeh, grass, blankets, tables, towels."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from canvas import Array, Colour, Scene, around, blend, blur, ellipse, glow, mix, ramp, shadow, whole
from fur import Hair, comb
from noise import clouds
from solid import light_up

STUDIO: tuple[tuple[Colour, Colour], ...] = (
    ((0.86, 0.9, 0.9), (0.56, 0.67, 0.7)),
    ((0.95, 0.88, 0.78), (0.78, 0.62, 0.48)),
    ((0.93, 0.8, 0.78), (0.72, 0.5, 0.52)),
    ((0.8, 0.85, 0.72), (0.5, 0.6, 0.45)),
    ((0.74, 0.79, 0.9), (0.4, 0.47, 0.64)),
    ((0.5, 0.46, 0.48), (0.19, 0.17, 0.2)),
    ((0.96, 0.95, 0.93), (0.76, 0.75, 0.74)),
    ((0.42, 0.52, 0.52), (0.15, 0.22, 0.24)),
)


def pick(rng: np.random.Generator, choices: ArrayLike) -> Array:
    """Returns one row of the choices."""
    rows = np.asarray(choices, np.float32)
    return np.asarray(rows[rng.integers(len(rows))], np.float32)


def threads(rng: np.random.Generator) -> Array:
    """Returns the relief of a weave: short uneven threads both ways (regular ones would shimmer)."""
    warp = clouds(rng, 150, 1, tall=6)
    return np.asarray(0.0025 * (warp + clouds(rng, 150, 1, tall=6).T), np.float32)


def studio(scene: Scene) -> None:
    """A backdrop of one colour with the lamp's pool of light on it."""
    near, far = pick(scene.rng, STUDIO)
    sheet = whole()
    away = np.hypot(sheet.x - scene.light[0] * 0.7, sheet.y + 0.25)
    blend(scene, mix(near, far, ramp(away + 0.1 * clouds(scene.rng, 3, 3), 0.1, 1.6)), np.ones_like(away))


def bokeh(scene: Scene) -> None:
    """A garden or a town out of focus: soft patches and discs of light."""
    hues = np.array(
        [(0.42, 0.55, 0.3), (0.55, 0.5, 0.38), (0.3, 0.4, 0.5), (0.55, 0.4, 0.36), (0.25, 0.26, 0.32)]
    )
    base = pick(scene.rng, hues)
    field = blur(clouds(scene.rng, 4, 3), 0.06)
    blend(scene, mix(base * 0.6, base * 1.35 + 0.1, ramp(field, -0.8, 0.8)), np.ones_like(field))
    for _ in range(scene.rng.integers(10, 26)):
        (x, y), size = scene.rng.uniform(-1, 1, 2), scene.rng.uniform(0.05, 0.17)
        window = around(x, y, size * 1.2)
        disc = ellipse(window, (x, y), (size, size))
        ring = ramp(disc, 0, 0.12) * (0.75 + 0.25 * ramp(disc, 0.4, 0))
        glow(
            scene,
            base * 0.6 + scene.rng.uniform(0.2, 0.55, 3),
            ring * np.float32(scene.rng.uniform(0.12, 0.4)),
            window,
        )


def grass(scene: Scene) -> None:
    """A lawn: blurred far away, blade by blade in front."""
    sheet = whole()
    field = ramp(sheet.y + 0.25 * clouds(scene.rng, 3, 3), -0.9, 0.9)
    blend(scene, mix((0.66, 0.78, 0.42), (0.2, 0.36, 0.12), field), np.ones_like(field))
    shadow(scene, 0.5 * ramp(blur(clouds(scene.rng, 9, 3), 0.02), 0, 1), tint=(0.3, 0.5, 0.2))
    flow = np.dstack([0.5 * clouds(scene.rng, 5, 2), np.full_like(field, -1)])
    near = ramp(sheet.y, -0.15, 0.5)
    comb(scene, near, flow, Hair(7000, 0.16, 0.014, 0.25, 0.3, 0.85), 0.3 + near)


def blanket(scene: Scene) -> None:
    """A sofa's blanket in folds, woven or fluffy."""
    base = pick(
        scene.rng,
        [(0.75, 0.62, 0.5), (0.5, 0.56, 0.66), (0.72, 0.45, 0.42), (0.86, 0.82, 0.76), (0.44, 0.5, 0.42)],
    )
    folds = 0.1 * blur(clouds(scene.rng, 3, 3, tall=2), 0.03)
    weave = threads(scene.rng)
    colour = mix(base, base * 0.85, ramp(clouds(scene.rng, 6), -0.5, 0.5))
    blend(scene, light_up(scene, colour, folds * 2 + weave), np.ones_like(folds))
    if scene.rng.uniform() < 0.5:
        flow = np.dstack([clouds(scene.rng, 6, 2), clouds(scene.rng, 6, 2)])
        comb(scene, np.ones_like(folds), flow, Hair(7000, 0.07, 0.012, 0.08, 0.6, 0.7))


def wood(scene: Scene) -> None:
    """A wooden table top: boards, grain, a few knots."""
    base = pick(
        scene.rng,
        [(0.62, 0.42, 0.25), (0.42, 0.27, 0.17), (0.78, 0.62, 0.44), (0.7, 0.66, 0.6), (0.33, 0.25, 0.21)],
    )
    sheet = whole()
    swap = scene.rng.uniform() < 0.5
    along, across = (sheet.y, sheet.x) if swap else (sheet.x, sheet.y)
    rough = clouds(scene.rng, 4, 5, tall=0.15)
    rough = rough.T if swap else rough
    board = scene.rng.uniform(0.35, 0.6)
    place = (across + 0.13) / board
    tone = np.sin(np.floor(place) * 12.9) * 0.12
    rings = 0.5 + 0.5 * np.sin(across * 60 + rough * 5 + np.floor(place) * 3 + 0.6 * np.sin(along * 3))
    colour = base * (0.82 + tone + 0.13 * rings + 0.09 * rough)[..., None]
    blend(scene, colour, np.ones_like(rough))
    gap = np.abs(place - np.round(place)) * board
    shadow(scene, 0.85 * ramp(np.asarray(gap, np.float32), 0.013, 0.002))
    glow(scene, (0.5, 0.47, 0.4), 0.3 * ramp(np.hypot(sheet.x - scene.light[0], sheet.y + 0.6), 1.2, 0))


def gingham(scene: Scene) -> None:
    """A checked cloth, its threads showing, gently creased."""
    hue = pick(
        scene.rng,
        [(0.78, 0.2, 0.2), (0.25, 0.42, 0.68), (0.3, 0.55, 0.38), (0.88, 0.66, 0.25), (0.45, 0.42, 0.45)],
    )
    sheet = whole()
    bend, angle = 0.03 * clouds(scene.rng, 3, 2), scene.rng.uniform(-0.7, 0.7)
    u = (sheet.x * np.cos(angle) + sheet.y * np.sin(angle) + bend) * scene.rng.uniform(4, 7)
    v = (sheet.y * np.cos(angle) - sheet.x * np.sin(angle) + bend) * 5.5
    stripes = 0.5 * sum(ramp(np.asarray(np.sin(np.pi * way), np.float32), -0.1, 0.1) for way in (u, v))
    colour = mix((0.97, 0.95, 0.91), hue, np.asarray(stripes, np.float32) * 0.85)
    blend(scene, light_up(scene, colour, bend * 2 + threads(scene.rng)), np.ones_like(bend))


def cloth(scene: Scene) -> None:
    """A plain linen kitchen towel with a few coloured stripes."""
    sheet = whole()
    angle, stripe = scene.rng.uniform(0, 3.1), scene.rng.uniform(0.1, 0.6, 3)
    bend = 0.05 * clouds(scene.rng, 3, 3)
    u = sheet.x * np.cos(angle) + sheet.y * np.sin(angle) + bend * 0.6
    lines = sum(ramp(np.abs(u - place), 0.03, 0.022) for place in (-0.62, -0.5, 0.5, 0.62))
    colour = mix((0.9, 0.86, 0.79), stripe, np.clip(np.asarray(lines, np.float32), 0, 0.85))
    blend(scene, light_up(scene, colour, bend * 1.6 + threads(scene.rng)), np.ones_like(bend))


def painted(scene: Scene) -> None:
    """A wall painted with a broad brush."""
    base = pick(scene.rng, STUDIO)[scene.rng.integers(2)]
    field = clouds(scene.rng, 5, 4)
    blend(scene, mix(base * 0.85, base * 1.06, ramp(field, -0.8, 0.8)), np.ones_like(field))
    flow = np.dstack([np.ones_like(field), clouds(scene.rng, 3, 2) * 0.8])
    comb(scene, np.ones_like(field), flow, Hair(2500, 0.3, 0.05, 0.05, 0.4, 0.7))


ROOMS: tuple[Callable[[Scene], None], ...] = (studio, bokeh, grass, blanket, painted, bokeh, studio)
TABLES: tuple[Callable[[Scene], None], ...] = (wood, gingham, cloth, painted, studio, wood)


def backdrop(scene: Scene, choices: tuple[Callable[[Scene], None], ...]) -> None:
    """Paints one of the backgrounds, by chance."""
    choices[scene.rng.integers(len(choices))](scene)
