"""Animals that are no chihuahuas: a cat, a teddy bear, a rabbit, a fish."""

from dataclasses import replace

import numpy as np

from backgrounds import ROOMS, backdrop, pick
from canvas import Array, Colour, Scene, blend, blur, line, mix, polygon, ramp, shadow, smooth_outline, whole
from face import Look, eye, mouth, nose
from fur import Hair, comb, flow_from
from noise import clouds
from solid import Ball, Pose, cushion, light_up, pose, relief

CAT = (
    Ball((0, -0.05, 0), (0.95, 0.8, 0.8)),
    Ball((0.48, 0.3, 0.2), (0.5, 0.4, 0.5)),
    Ball((-0.48, 0.3, 0.2), (0.5, 0.4, 0.5)),
    Ball((0.16, 0.36, 0.72), (0.25, 0.2, 0.25)),
    Ball((-0.16, 0.36, 0.72), (0.25, 0.2, 0.25)),
    Ball((0, 0.58, 0.6), (0.2, 0.13, 0.25)),
    Ball((0, 1.75, -0.3), (0.95, 1.2, 0.6)),
)
CAT_EAR = np.array(
    [(0.2, -0.6), (0.45, -1.0), (0.78, -1.32), (0.84, -1.28), (0.93, -0.85), (0.9, -0.2), (0.5, -0.3)]
)
TEDDY = (
    Ball((0, 0, 0), (0.92, 0.84, 0.8)),
    Ball((0.78, -0.68, -0.1), (0.36, 0.36, 0.25)),
    Ball((-0.78, -0.68, -0.1), (0.36, 0.36, 0.25)),
    Ball((0, 1.7, -0.2), (0.95, 1.05, 0.7)),
    Ball((0.95, 1.4, 0), (0.35, 0.65, 0.35)),
    Ball((-0.95, 1.4, 0), (0.35, 0.65, 0.35)),
)
SNOUT = (Ball((0, 0.28, 0.72), (0.42, 0.33, 0.35)),)
RABBIT = (
    Ball((0, 0, 0), (0.72, 0.74, 0.7)),
    Ball((0.34, 0.3, 0.3), (0.36, 0.33, 0.4)),
    Ball((-0.34, 0.3, 0.3), (0.36, 0.33, 0.4)),
    Ball((0, 1.7, -0.3), (0.85, 1.2, 0.6)),
)
RABBIT_EAR = np.array(
    [(0.1, -0.5), (0.08, -1.2), (0.25, -1.85), (0.42, -1.85), (0.55, -1.2), (0.42, -0.45), (0.25, -0.4)]
)
FURS = ((0.55, 0.5, 0.47), (0.85, 0.55, 0.28), (0.22, 0.2, 0.21), (0.92, 0.88, 0.82), (0.62, 0.45, 0.3))
FISHES = ((0.95, 0.5, 0.15), (0.85, 0.25, 0.2), (0.3, 0.5, 0.8), (0.9, 0.75, 0.25), (0.6, 0.65, 0.7))
FINS = (
    ((0.55, 0), (1.0, -0.5), (1.25, -0.62), (1.1, 0), (1.25, 0.62), (1.0, 0.5)),
    ((-0.3, -0.4), (-0.1, -0.85), (0.4, -0.75), (0.5, -0.25)),
    ((-0.05, 0.35), (0.2, 0.8), (0.42, 0.7), (0.3, 0.3)),
)


def stand(scene: Scene, y: float, low: float, high: float) -> Pose:
    """Returns a pose near the sheet's middle, of a size between `low` and `high`, slightly turned."""
    rng = scene.rng
    spot = (rng.uniform(-0.08, 0.08), y + rng.uniform(-0.06, 0.06))
    return pose(spot, rng.uniform(low, high), rng.normal(0, 0.2), rng.uniform(-0.1, 0.15), rng.normal(0, 0.1))


def furry(scene: Scene, balls: tuple[Ball, ...], where: Pose, colour: Array, hair: Hair) -> None:
    """Paints melted balls of one fur, `colour` being one or one a pixel."""
    sheet, shape = whole(), relief(balls, where, 0.06)
    own = where.own(sheet.x, sheet.y, shape.height)
    tone = np.broadcast_to(colour, own.shape) * (1 + 0.08 * clouds(scene.rng, 8))[..., None]
    blend(scene, light_up(scene, np.asarray(tone, np.float32), shape.height), shape.cover)
    comb(scene, shape.cover, flow_from(own, where, (0, 0.2, 1), 0.3), hair)


def pointed_ears(scene: Scene, knots: Array, where: Pose, fur: Array, pink: Colour) -> None:
    """Paints two ears of the given outline, body units, for the right one."""
    for side in (-1, 1):
        solid = np.c_[knots * (side, 1), np.full(len(knots), -0.1)]
        points = where.place(solid)[:, :2]
        heart = points.mean(axis=0)
        cover = polygon(smooth_outline(points))
        cushion(scene, cover, fur * 0.85, 0.07)
        inner = blur(polygon(smooth_outline((points - heart) * (0.6, 0.75) + heart)), 0.012)
        blend(scene, pink, inner * 0.85)
        flow = np.broadcast_to(np.asarray(points[2] - points[-1], np.float32), (*cover.shape, 2))
        comb(scene, cover, flow, Hair(7000, 0.1 * where.scale, 0.006, 0.12, 0.3, 0.75))


def cat(scene: Scene) -> None:
    """A cat's face, tabby or plain, with slit pupils."""
    rng = scene.rng
    backdrop(scene, ROOMS)
    where, fur = stand(scene, 0.12, 0.5, 0.66), pick(rng, FURS)
    sheet = whole()
    own = where.own(sheet.x, sheet.y, relief(CAT, where).height)
    stripes = np.sin(np.abs(own[..., 0]) * 11 + 4 * own[..., 1] * (own[..., 1] > 0) + clouds(rng, 6))
    tabby = (
        ramp(np.asarray(stripes, np.float32), 0.2, 0.7)
        * ramp(np.abs(own[..., 1] - 0.1), 0.15, 0.5)
        * rng.choice([0, 0.6])
    )
    pale = ramp(
        np.asarray(np.hypot(own[..., 0] * 1.2, own[..., 1] - 0.5), np.float32), 0.5, 0.3
    ) * rng.choice([0, 0.9])
    pointed_ears(scene, CAT_EAR, where, fur, (0.85, 0.58, 0.55))
    colour = mix(mix(fur, fur * 0.45, tabby), (0.96, 0.93, 0.89), pale)
    furry(scene, CAT, where, colour, Hair(16000, 0.16 * where.scale, 0.006, 0.12, 0.2))
    iris = tuple(float(part) for part in pick(rng, [(0.55, 0.65, 0.2), (0.8, 0.6, 0.15), (0.3, 0.6, 0.75)]))
    look = Look((0, 0), 0.85, (iris[0], iris[1], iris[2]), (float(rng.uniform(0.16, 0.3)), 0.8))
    for side in (-1, 1):
        eye(scene, where.place((side * 0.4, 0.0, 0.72)), 0.2 * where.scale, replace(look, turn=side * -0.25))
    tip = where.place((0, 0.24, 0.95))
    mouth(scene, tip, 0.1 * where.scale, 0)
    nose(scene, tip, 0.1 * where.scale, (0.75, 0.42, 0.42))
    cat_whiskers(scene, where)


def cat_whiskers(scene: Scene, where: Pose) -> None:
    """Paints the long whiskers of a cat."""
    t = np.linspace(0, 1, 12)
    for side in (-1, 1):
        for rise in (-0.15, 0, 0.15, 0.28):
            curve = np.stack(
                [side * (0.2 + t), 0.35 + rise * 0.4 + (rise + 0.2 * t) * t, 0.9 - 0.5 * t], axis=-1
            )
            blend(scene, (0.97, 0.96, 0.94), line(where.place(curve)[:, :2], 0.004) * 0.7)


def rabbit(scene: Scene) -> None:
    """A rabbit with long ears."""
    backdrop(scene, ROOMS)
    where, fur = stand(scene, 0.3, 0.44, 0.54), pick(scene.rng, FURS)
    pointed_ears(scene, RABBIT_EAR, where, fur, (0.88, 0.65, 0.62))
    furry(scene, RABBIT, where, fur, Hair(14000, 0.13 * where.scale, 0.007, 0.12, 0.25))
    for side in (-1, 1):
        eye(scene, where.place((side * 0.5, -0.05, 0.5)), 0.15 * where.scale, Look(squeeze=0.8))
    tip = where.place((0, 0.22, 0.75))
    mouth(scene, tip, 0.09 * where.scale, 0)
    nose(scene, tip, 0.09 * where.scale, (0.72, 0.45, 0.45))
    cat_whiskers(scene, where)


def teddy(scene: Scene) -> None:
    """A plush bear with button eyes and a stitched mouth."""
    rng = scene.rng
    backdrop(scene, ROOMS)
    where = stand(scene, -0.05, 0.5, 0.62)
    fur = pick(rng, [(0.72, 0.5, 0.29), (0.85, 0.7, 0.5), (0.45, 0.3, 0.2), (0.8, 0.6, 0.62)])
    plush = Hair(14000, 0.07 * where.scale, 0.01, 0.12, 1.2)
    furry(scene, TEDDY, where, fur, plush)
    for side in (-1, 1):
        furry(scene, (Ball((side * 0.78, -0.66, 0.12), (0.21, 0.21, 0.06)),), where, fur * 0.5 + 0.45, plush)
    snout_shadow = where.place((0, 0.34, 0.8))
    shadow(
        scene,
        0.4
        * ramp(
            np.asarray(np.hypot(whole().x - snout_shadow[0], whole().y - snout_shadow[1]), np.float32),
            0.32,
            0.1,
        ),
    )
    furry(scene, SNOUT, where, fur * 0.5 + 0.47, plush)
    tip = where.place((0, 0.16, 1.05))
    mouth(scene, tip, 0.13 * where.scale, 0, 0.2)
    nose(scene, tip, 0.13 * where.scale, (0.14, 0.09, 0.08))
    for side in (-1, 1):
        button = where.place((side * 0.34, -0.14, 0.8))[:2]
        ring = smooth_outline(button + 0.09 * where.scale * np.array([(-1, 0), (0, -1), (1, 0), (0, 1)]))
        cushion(scene, polygon(ring), (0.09, 0.07, 0.08), 0.06, gloss=0.8)


def fish(scene: Scene) -> None:
    """A goldfish or its kin in the water, with scales and fins."""
    rng, sheet = scene.rng, whole()
    depth = sheet.y + 0.15 * clouds(rng, 6, 3)
    blend(scene, mix((0.35, 0.72, 0.78), (0.05, 0.25, 0.42), ramp(depth, -1, 1)), np.ones_like(depth))
    hue, side = pick(rng, FISHES), int(rng.choice([-1, 1]))
    where = pose((0, 0), rng.uniform(0.55, 0.7), roll=rng.normal(0, 0.15))
    for fin in FINS:
        knots = np.array([(x * side, y, 0) for x, y in fin])
        cushion(scene, polygon(smooth_outline(where.place(knots)[:, :2])), hue * 0.85, 0.05)
    scaly_body(scene, hue, where, side)
    look = Look((0, 0), 1, (0.8, 0.7, 0.3), (0.5, 0.5))
    eye(scene, where.place((-0.62 * side, -0.1, 0.25)), 0.1 * where.scale, look)


def scaly_body(scene: Scene, hue: Array, where: Pose, side: int) -> None:
    """Paints a fish's body, its tail towards `side`, in rows of scales behind the smooth head."""
    sheet = whole()
    balls = [Ball((-0.1 * side, 0, 0), (0.85, 0.5, 0.3)), Ball((0.45 * side, 0, 0), (0.4, 0.25, 0.2))]
    shape = relief(balls, where, 0.15)
    own = where.own(sheet.x, sheet.y, shape.height)
    row = np.floor(own[..., 0] * 9)
    scale = np.abs(np.sin(np.pi * (own[..., 1] * 7 + 0.5 * (row % 2)))) * (own[..., 0] * 9 - row)
    height = shape.height + 0.03 * where.scale * scale * ramp(own[..., 0] * side, -0.5, -0.42)
    colour = mix(hue, (0.97, 0.9, 0.8), ramp(own[..., 1], 0.05, 0.5))
    blend(scene, light_up(scene, colour, np.asarray(height, np.float32), 0.4), shape.cover)
