"""Things that people make: a football, a ball of wool, a house, a car, a cushion."""

import numpy as np

from backgrounds import ROOMS, backdrop, bokeh, grass, painted, pick, studio
from canvas import (
    Array,
    Scene,
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
from food import circle, drop_shadow
from noise import clouds
from plants import sky
from solid import Ball, cushion, light_up, pose, relief

GOLDEN = (1 + 5**0.5) / 2
HULL = np.array(
    [(-0.86, 0.4), (-0.88, 0.1), (-0.55, 0), (-0.35, -0.3), (0.3, -0.32), (0.6, 0), (0.86, 0.06), (0.88, 0.4)]
)
PANES = (
    ((-0.42, 0), (-0.28, -0.23), (-0.03, -0.24), (-0.03, 0)),
    ((0.03, 0), (0.03, -0.24), (0.26, -0.24), (0.46, 0)),
)
LACQUERS = ((0.8, 0.16, 0.15), (0.2, 0.42, 0.7), (0.95, 0.75, 0.2), (0.4, 0.6, 0.45), (0.9, 0.88, 0.84))


def icosahedron() -> Array:
    """Returns the twelve corners [12, 3] of a unit icosahedron: a football's black patches."""
    corners = [np.roll((0, a, b * GOLDEN), turn) for turn in range(3) for a in (-1, 1) for b in (-1, 1)]
    return np.asarray(np.array(corners) / np.hypot(1, GOLDEN), np.float32)


def football(scene: Scene) -> None:
    """A leather football with dark pentagons."""
    rng = scene.rng
    backdrop(scene, (grass, studio, bokeh))
    sheet, where = whole(), pose((0, 0), rng.uniform(0.52, 0.68), *rng.uniform(0, 6, 3))
    shadow(
        scene,
        0.75 * ramp(ellipse(sheet, (-scene.light[0] * 0.2, where.scale * 0.95), (0.7, 0.24)), -0.2, 0.7),
    )
    shape = relief([Ball((0, 0, 0), (1, 1, 1))], where)
    own = where.own(sheet.x, sheet.y, shape.height)
    near = np.sort(own @ icosahedron().T, axis=-1)
    patch = np.asarray(near[..., -1] + 0.12 * (near[..., -2] - near[..., -3]), np.float32)
    seam = ramp(np.abs(near[..., -1] - near[..., -2]), 0.022, 0.006) * ramp(patch, 0.95, 0.9)
    dark = pick(rng, [(0.1, 0.1, 0.11), (0.12, 0.2, 0.45), (0.6, 0.12, 0.12)])
    colour = mix((0.93, 0.92, 0.9), dark, np.maximum(ramp(patch, 0.925, 0.94), seam * 0.7))
    height = shape.height - 0.02 * seam + 0.001 * clouds(rng, 120, 1)
    blend(scene, light_up(scene, colour, np.asarray(height, np.float32), 0.3), shape.cover)


def ball_of_wool(scene: Scene) -> None:
    """A ball of wool, wound every way."""
    rng = scene.rng
    backdrop(scene, ROOMS)
    sheet, where = whole(), pose((0, 0.02), rng.uniform(0.5, 0.64))
    shadow(
        scene, 0.7 * ramp(ellipse(sheet, (-scene.light[0] * 0.2, where.scale * 0.95), (0.7, 0.24)), -0.2, 0.7)
    )
    shape = relief([Ball((0, 0, 0), (1, 1, 1))], where)
    own = where.own(sheet.x, sheet.y, shape.height)
    threads, region = np.zeros_like(sheet.x), clouds(rng, 3, 2)
    for low, high in ((-9, -0.35), (-0.35, 0.05), (0.05, 0.4), (0.4, 9)):
        way = rng.normal(0, 1, 3)
        wave = np.abs(np.sin((own @ (way / np.linalg.norm(way))) * 26))
        threads = np.where((region >= low) & (region < high), wave, threads)
    hue = pick(rng, [(0.8, 0.3, 0.35), (0.4, 0.55, 0.75), (0.9, 0.75, 0.4), (0.5, 0.65, 0.45)])
    colour = hue * (0.75 + 0.3 * threads)[..., None]
    lit = light_up(
        scene, np.asarray(colour, np.float32), np.asarray(shape.height + 0.02 * threads, np.float32)
    )
    blend(scene, lit, shape.cover)


def house(scene: Scene) -> None:
    """A small house with a tiled roof in a meadow."""
    rng = scene.rng
    sky(scene)
    sheet, half = whole(), rng.uniform(0.45, 0.6)
    wall = pick(rng, [(0.93, 0.88, 0.78), (0.85, 0.6, 0.5), (0.75, 0.82, 0.85), (0.95, 0.82, 0.5)])
    shadow(scene, 0.5 * ramp(ellipse(sheet, (0, 0.62), (half * 1.5, 0.12)), -0.2, 0.8))
    bricks = (
        wall
        * (1 + 0.06 * clouds(rng, 50, 2, tall=0.4))[..., None]
        * (1 - 0.12 * ramp(sheet.x * scene.light[0], 0.2, -0.3))[..., None]
    )
    blend(scene, bricks, polygon([(-half, -0.15), (half, -0.15), (half, 0.62), (-half, 0.62)]))
    tiles = pick(rng, [(0.65, 0.27, 0.18), (0.35, 0.36, 0.42), (0.5, 0.32, 0.22)])
    row = np.floor(sheet.y * 22)
    tile = np.abs(np.sin(np.pi * (sheet.x * 11 + 0.5 * (row % 2)))) * 0.25 + 0.35 * (sheet.y * 22 - row)
    roof = polygon([(-half - 0.12, -0.12), (-half * 0.75, -0.66), (half * 0.75, -0.66), (half + 0.12, -0.12)])
    shadow(scene, 0.5 * blur(np.roll(roof, 14, axis=0), 0.02))
    blend(scene, tiles * (0.7 + tile)[..., None], roof)
    cushion(scene, polygon([(-0.1, 0.15), (0.1, 0.15), (0.1, 0.62), (-0.1, 0.62)]), tiles * 0.8, 0.03)
    for x in (-half * 0.62, half * 0.62):
        window_pane(scene, x, 0.13)


def window_pane(scene: Scene, x: float, y: float) -> None:
    """Paints a house's window, the sky mirrored in its glass."""
    sheet, white = whole(), (0.96, 0.95, 0.92)
    corners = np.array([(-0.12, -0.13), (0.12, -0.13), (0.12, 0.13), (-0.12, 0.13)])
    glass = mix((0.35, 0.45, 0.55), (0.8, 0.88, 0.92), ramp(sheet.x + sheet.y, -0.5, 0.5))
    blend(scene, white, polygon(corners + np.array((x, y))))
    blend(scene, glass, polygon(corners * 0.8 + np.array((x, y))))
    blend(scene, white, line([(x, y - 0.13), (x, y + 0.13)], 0.02))
    blend(scene, white, line([(x - 0.1, y), (x + 0.1, y)], 0.02))


def car(scene: Scene) -> None:
    """A small car from the side."""
    rng = scene.rng
    backdrop(scene, (studio, painted, bokeh))
    sheet, side = whole(), int(rng.choice([-1, 1]))
    tar = (0.36, 0.36, 0.38) * (1 + 0.12 * clouds(rng, 60, 2))[..., None]
    blend(scene, tar, ramp(sheet.y, 0.28, 0.34))
    shadow(scene, 0.8 * ramp(ellipse(sheet, (0, 0.5), (0.95, 0.1)), -0.2, 0.8))
    cushion(scene, polygon(smooth_outline(HULL * (side, 1))), pick(rng, LACQUERS), 0.16, 0.3)
    for pane in PANES:
        glass = mix((0.2, 0.27, 0.33), (0.75, 0.85, 0.9), ramp(sheet.x - sheet.y, -0.3, 0.6))
        blend(scene, glass, polygon(np.array(pane) * (side, 1)))
    shadow(scene, 0.6 * line(np.array([(0, -0.24), (0, 0.36)]) * (side, 1), 0.008))
    glow(scene, (1, 0.95, 0.75), ramp(ellipse(sheet, (0.82 * side, 0.16), (0.06, 0.07)), 0, 0.5))
    for x in (-0.5, 0.52):
        for reach, tone in ((0.2, (0.09, 0.09, 0.1)), (0.12, (0.7, 0.7, 0.72)), (0.04, (0.3, 0.3, 0.32))):
            cushion(scene, polygon(circle(x * side, 0.4, reach)), tone, 0.04, 0.3)


def pillow(scene: Scene) -> None:
    """A sofa's cushion with a button, stripes or dots."""
    rng = scene.rng
    backdrop(scene, ROOMS)
    hue, sheet = pick(rng, [(0.7, 0.35, 0.3), (0.35, 0.5, 0.6), (0.85, 0.7, 0.4), (0.5, 0.55, 0.4)]), whole()
    turn, half = rng.uniform(-0.3, 0.3), rng.uniform(0.5, 0.62)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    knots = (
        np.array([(-1, -1), (0, -0.92), (1, -1), (0.92, 0), (1, 1), (0, 0.92), (-1, 1), (-0.92, 0)]) * half
    )
    cover = polygon(smooth_outline(knots @ spin))
    drop_shadow(scene, cover, 0.08)
    wave = np.sin((sheet.x * np.cos(turn) - sheet.y * np.sin(turn)) * 22) * (
        1 if rng.uniform() < 0.5 else np.sin(sheet.y * 22)
    )
    colour = mix(hue, (0.95, 0.92, 0.86), ramp(np.asarray(wave, np.float32), 0.3, 0.5))
    cushion(scene, cover, colour, 0.3)
    shadow(scene, 0.6 * ramp(ellipse(sheet, (0, 0), (0.2, 0.2)), 0, 1))
    cushion(scene, polygon(circle(0, 0, 0.05)), hue * 0.7, 0.03)
