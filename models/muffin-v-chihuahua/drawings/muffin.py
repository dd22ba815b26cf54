"""Muffins: from above, as in the meme, from the side, and from in between."""

from functools import partial

import numpy as np

from backgrounds import ROOMS, TABLES, backdrop
from canvas import Scene, blend, blur, ellipse, glow, line, new_scene, ramp, shadow, whole
from cups import FLOOR, Cup, choose_cup, paint_cup, paint_rim
from dome import RECIPES, Recipe, paint_dome
from solid import Pose, light_up, pose

TOP = 1.45


def muffin(seed: int) -> Scene:
    """Returns the scene of one to three muffins that the seed decides on."""
    scene = new_scene(seed)
    rng = scene.rng
    view = rng.choice(["top", "side", "quarter"], p=[0.42, 0.25, 0.33])
    pitch = {"top": TOP, "side": rng.uniform(0.14, 0.3), "quarter": rng.uniform(0.45, 0.75)}[view]
    set_table(scene, pitch)
    recipe, cup = RECIPES[rng.integers(len(RECIPES))], choose_cup(rng)
    count = int(rng.choice([1, 2, 3], p=[0.65, 0.17, 0.18]))
    stands = places(rng, count, pitch)
    if rng.uniform() < 0.35:
        plate(scene, stands, pitch)
    elif pitch == TOP and rng.uniform() < 0.3:
        rack(scene)
    for stand in stands:
        bake(scene, recipe, cup, stand, pitch)
    return scene


def places(rng: np.random.Generator, count: int, pitch: float) -> list[Pose]:
    """Returns where the muffins stand, the farthest first."""
    lift = -0.02 if pitch == TOP else -0.2 - 0.1 * np.cos(pitch)
    turn = partial(pose, yaw=rng.uniform(0, 6), pitch=pitch)
    if count == 1:
        scale = rng.uniform(0.55, 0.7) if pitch == TOP else rng.uniform(0.56, 0.66)
        return [turn((rng.uniform(-0.05, 0.05), lift), scale, roll=rng.normal(0, 0.03))]
    if count == 2:
        spots = [(0.4, lift - 0.2), (-0.3, lift + 0.14)]
    else:
        spots = [(-0.46, lift - 0.26), (0.46, lift - 0.22), (0.0, lift + 0.24)]
    flip = rng.choice([-1, 1])
    return [turn((flip * x, y), rng.uniform(0.38, 0.43), roll=rng.normal(0, 0.04)) for x, y in spots]


def set_table(scene: Scene, pitch: float) -> None:
    """Paints the table; unless seen from above, with a blurred room behind its far edge."""
    if pitch == TOP:
        backdrop(scene, TABLES)
        return
    backdrop(scene, tuple(room for room in ROOMS if room.__name__ in {"studio", "bokeh", "painted"}))
    room = np.stack([blur(scene.pixels[..., channel], 0.05) for channel in range(3)], axis=-1)
    backdrop(scene, TABLES)
    horizon = -0.1 - 0.75 * np.sin(pitch)
    soft = np.stack([blur(scene.pixels[..., channel], 0.02) for channel in range(3)], axis=-1)
    y = whole().y
    blend(scene, soft, ramp(y, horizon + 0.8, horizon + 0.1))
    blend(scene, room * 0.9, ramp(y, horizon + 0.03, horizon - 0.03))


def plate(scene: Scene, stands: list[Pose], pitch: float) -> None:
    """Paints a plate beneath the muffins."""
    rng = scene.rng
    squash = float(np.sin(pitch))
    feet = np.mean([stand.place((0, FLOOR, 0))[:2] for stand in stands], axis=0)
    reach = 0.92 if len(stands) == 1 else 1.05
    sheet = whole()
    china = np.array([(0.95, 0.94, 0.92), (0.75, 0.84, 0.88), (0.88, 0.78, 0.7), (0.35, 0.4, 0.46)])[
        rng.integers(4)
    ]
    disc = ellipse(sheet, feet, (reach, reach * squash))
    fallen = ellipse(sheet, feet - scene.light[:2] * (0.06, 0.08), (reach * 1.04, reach * squash * 1.06))
    shadow(scene, 0.6 * ramp(fallen, -0.12, 0.15))
    height = 0.1 * ramp(disc, 0.5, 0) + 0.02 * ramp(disc, 0.06, 0.0)
    blend(
        scene,
        light_up(scene, np.broadcast_to(china, (*disc.shape, 3)).astype(np.float32), height, 0.15),
        ramp(disc, -0.005, 0.012),
    )
    blend(scene, china * 0.6, 0.7 * ramp(np.abs(disc - 0.1), 0.02, 0.008))


def rack(scene: Scene) -> None:
    """Paints the wires of a cooling rack."""
    for place in np.linspace(-1.05, 1.05, 13):
        wire = line([(place, -1.1), (place, 1.1)], 0.022)
        shadow(scene, 0.5 * blur(np.roll(wire, 9, axis=1), 0.012))
        blend(scene, (0.6, 0.6, 0.62), wire)
        glow(scene, (0.7, 0.7, 0.7), line([(place - 0.004, -1.1), (place - 0.004, 1.1)], 0.006))
    for place in (-0.55, 0.55):
        wire = line([(-1.1, place), (1.1, place)], 0.03)
        blend(scene, (0.5, 0.5, 0.52), wire)


def bake(scene: Scene, recipe: Recipe, cup: Cup, where: Pose, pitch: float) -> None:
    """Paints one muffin: its shadow, its cup, its dome and its toppings."""
    overhang = scene.rng.uniform(0.97, 1.06)
    if pitch == TOP:
        paint_rim(scene, cup, where)
        paint_dome(scene, recipe, where, overhang)
        return
    cast_shadow(scene, where, pitch)
    if overhang > 1:
        paint_cup(scene, cup, where)
        dome_shadow(scene, where)
        paint_dome(scene, recipe, where, overhang * 1.04)
    else:
        paint_dome(scene, recipe, where, overhang)
        paint_cup(scene, cup, where)


def cast_shadow(scene: Scene, where: Pose, pitch: float) -> None:
    """Paints the shadow on the table, dark where the cup touches it."""
    x, y, _ = where.place((0, FLOOR, 0))
    sheet, scale = whole(), where.scale
    squash = max(0.22, float(np.sin(pitch)))
    for reach, dark, drift in ((1.25, 0.5, 0.35), (0.86, 0.6, 0.05)):
        spot = (x - scene.light[0] * scale * drift, y + scale * 0.03)
        shadow(scene, dark * ramp(ellipse(sheet, spot, (reach * scale, reach * scale * squash)), -0.2, 0.6))


def dome_shadow(scene: Scene, where: Pose) -> None:
    """Paints the shadow that an overhanging dome throws on its cup."""
    x, y, _ = where.place((0, 0.16, 0))
    lid = ellipse(whole(), (x, y), (1.02 * where.scale, 0.62 * where.scale))
    shadow(scene, 0.6 * ramp(lid, -0.1, 0.35))
