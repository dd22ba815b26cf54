"""A chihuahua, painted from its paws to its whiskers."""

from dataclasses import replace

import numpy as np

from backgrounds import ROOMS, backdrop
from canvas import (
    Array,
    Scene,
    blend,
    blur,
    line,
    mix,
    new_scene,
    polygon,
    ramp,
    shadow,
    smooth_outline,
    whole,
)
from coats import body_colour, head_colour
from dog import SITTING, Dog, conceive, head_relief
from ears import paint_ear
from face import eye, mouth, nose, tongue
from fur import Hair, comb, flow_from
from noise import clouds
from solid import Pose, Relief, cushion, light_up, pose, relief


def chihuahua(seed: int) -> Scene:
    """Returns the scene of a chihuahua that the seed decides on."""
    scene = new_scene(seed)
    dog = conceive(scene.rng)
    backdrop(scene, ROOMS)
    skull = head_relief(dog)
    paint_body(scene, dog, skull)
    for side in (-1, 1):
        paint_ear(scene, dog, side)
    paint_head(scene, dog, skull)
    paint_face(scene, dog)
    return scene


def paint_body(scene: Scene, dog: Dog, skull: Relief) -> None:
    """Paints neck, chest and whatever else of the body is in the picture, with its accessory."""
    where = pose((dog.head.centre[0] * 0.7, dog.head.centre[1]), dog.head.scale, yaw=scene.rng.normal(0, 0.2))
    shape = relief(dog.body, where, 0.09)
    sheet = whole()
    if dog.body is SITTING:
        ground_shadow(scene, where)
    own = where.own(sheet.x, sheet.y, shape.height)
    colour = body_colour(dog.coat, own, clouds(scene.rng, 7))
    blend(scene, light_up(scene, colour, shape.height), shape.cover)
    flow = flow_from(own, where, (0, 0.3, -0.2), 0.6)
    fluff = Hair(11000, 0.15 * where.scale * dog.hair, 0.009, 0.11, 0.14 * dog.hair)
    comb(scene, shape.cover, flow, fluff)
    accessorise(scene, dog, where, shape.cover)
    shadow(scene, 0.75 * blur(skull.cover, 0.05) * shape.cover)


def ground_shadow(scene: Scene, where: Pose) -> None:
    """Paints the soft shadow a sitting dog throws on the ground."""
    sheet = whole()
    x, y, _ = where.place((0, 2.85, 0))
    spot = ((sheet.x - x + scene.light[0] * 0.1) / 0.5) ** 2 + ((sheet.y - y) / 0.13) ** 2
    shadow(scene, 0.6 * ramp(np.asarray(spot, np.float32), 1.6, 0.1))


def accessorise(scene: Scene, dog: Dog, where: Pose, body: Array) -> None:
    """Paints a collar with its tag, or a bandana; the collar ends where the body does."""
    across = np.linspace(-0.62, 0.62, 20)
    band = where.place(np.stack([across, 1.12 - 0.5 * across**2 * 1.2, 0 * across], axis=-1))[:, :2]
    if dog.extra == "collar":
        cover = line(band, 0.16 * where.scale) * body
        shadow(scene, blur(cover, 0.02) * 0.6)
        cushion(scene, cover, dog.hue, 0.06 * where.scale, gloss=0.2)
        tag = where.place((0, 1.27, 0))[:2]
        ring = smooth_outline(tag + 0.1 * where.scale * np.array([(-1, 0), (0, -1), (1, 0), (0, 1)]))
        cushion(scene, polygon(ring), (0.9, 0.72, 0.3), 0.04, gloss=0.7)
    if dog.extra == "bandana":
        scarf = np.array(
            [
                (-0.66, 0.85),
                (0, 1.08),
                (0.66, 0.85),
                (0.6, 1.12),
                (0.2, 1.55),
                (0, 1.82),
                (-0.2, 1.55),
                (-0.6, 1.12),
            ]
        )
        cover = polygon(smooth_outline(where.place(np.c_[scarf, 0 * scarf[:, :1]])[:, :2]))
        shadow(scene, blur(cover, 0.02) * 0.6)
        sheet = whole()
        dots = np.sin(sheet.x * 14 / where.scale) * np.sin(sheet.y * 14 / where.scale)
        cloth = mix(dog.hue, (0.97, 0.95, 0.9), ramp(np.asarray(dots, np.float32), 0.55, 0.7))
        cushion(scene, cover, cloth, 0.06)


def paint_head(scene: Scene, dog: Dog, shape: Relief) -> None:
    """Paints the apple-shaped head and its coat."""
    sheet = whole()
    own = dog.head.own(sheet.x, sheet.y, shape.height)
    colour = head_colour(dog.coat, own, clouds(scene.rng, 9))
    blend(scene, light_up(scene, colour, shape.height), shape.cover)
    flow = flow_from(own, dog.head, (0, 0.3, 1.25), 0.25)
    from_nose = np.linalg.norm(own - np.array([0, 0.4, 1.2], np.float32), axis=-1)
    lengths = 0.35 + 0.65 * ramp(np.asarray(from_nose, np.float32), 0.2, 1.3)
    lengths *= 1 - 0.45 * ramp(own[..., 1], -0.2, -0.7)
    scale = dog.head.scale
    under = Hair(6000, 0.17 * scale * dog.hair, 0.015, 0.07, 0.12 * dog.hair)
    comb(scene, shape.cover, flow, under, lengths)
    comb(
        scene,
        shape.cover,
        flow,
        replace(under, count=16000, length=0.12 * scale * dog.hair, width=0.0055, contrast=0.12),
        lengths,
    )
    if dog.hair > 1:
        comb(
            scene,
            shape.cover * ramp(own[..., 1], -0.2, 0.5) * ramp(np.abs(own[..., 0]), 0.5, 0.75),
            flow,
            Hair(5000, 0.5 * scale, 0.008, 0.12, 0.3),
        )


def paint_face(scene: Scene, dog: Dog) -> None:
    """Paints what the muffin lacks: two eyes, a nose, a mouth."""
    head, scale = dog.head, dog.head.scale
    roll = float(np.arctan2(head.turn[1, 0], head.turn[0, 0]))
    tip = head.place((0, 0.37, 1.22))
    if dog.tongue:
        tongue(scene, tip, 0.17 * scale, roll, dog.tongue)
    mouth(scene, tip, 0.17 * scale, roll, float(scene.rng.uniform(0.1, 0.6)))
    nose(scene, tip, 0.175 * scale, dog.coat.nose, roll)
    for side in (-1, 1):
        facing = float((head.turn @ np.array([side * 0.42, 0, 0.9]))[2])
        look = replace(dog.look, squeeze=min(1, facing * 1.12), turn=roll + side * 0.12)
        eye(scene, head.place((side * 0.45, 0.06, 0.78)), 0.225 * scale, look)
    whiskers(scene, dog)


def whiskers(scene: Scene, dog: Dog) -> None:
    """Paints a few fine whiskers."""
    t = np.linspace(0, 1, 12)
    for side in (-1, 1):
        for _ in range(5):
            (x, y), droop = scene.rng.uniform((0.16, 0.48), (0.26, 0.62)), scene.rng.uniform(-0.1, 0.25)
            curve = np.stack([side * (x + 0.55 * t), y + droop * t + 0.12 * t**2, 1.0 - 0.3 * t], axis=-1)
            blend(
                scene,
                (0.95, 0.92, 0.88) if dog.coat.base[0] < 0.5 else (0.25, 0.2, 0.18),
                line(dog.head.place(curve)[:, :2], 0.003) * 0.35,
            )
