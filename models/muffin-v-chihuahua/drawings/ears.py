"""The bat ears of a chihuahua."""

import numpy as np

from canvas import Array, Scene, blend, blur, mix, polygon, ramp, shadow, smooth_outline, whole
from dog import Dog
from fur import Hair, comb
from solid import cushion

EAR = np.array(
    [(0.26, -0.62), (0.5, -1.12), (0.98, -1.6), (1.24, -1.62), (1.38, -1.05), (1.0, -0.2), (0.6, -0.3)]
)
EAR_ROOT = np.array([0.66, -0.5])


def ear_outline(dog: Dog, side: int, shrink: float) -> Array:
    """Returns the screen outline of an ear; `shrink` below 1 gives the inside of the ear."""
    turn = dog.ears[(side + 1) // 2]
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    knots = (EAR - EAR_ROOT) @ spin * dog.ear_size
    if shrink < 1:
        heart = knots.mean(axis=0)
        knots = (knots - heart) * (shrink * 0.94, shrink) + heart * (0.98, 0.94)
    flat = (knots + EAR_ROOT) * (side, 1)
    solid = np.c_[flat, np.full(len(flat), -0.1)]
    return smooth_outline(dog.head.place(solid)[:, :2])


def paint_ear(scene: Scene, dog: Dog, side: int) -> None:
    """Paints one ear: its furry back, the pink inside, the tuft that grows across it."""
    root = dog.head.place((side * EAR_ROOT[0], EAR_ROOT[1], -0.1))[:2]
    tip = dog.head.place((side * 1.12, -1.5, -0.1))[:2]
    outer, inner = polygon(ear_outline(dog, side, 1)), polygon(ear_outline(dog, side, 0.7))
    shadow(scene, blur(outer, 0.04) * 0.3)
    cushion(scene, outer, dog.coat.ear, 0.07 * dog.head.scale * 2)
    flow = np.broadcast_to(np.asarray(tip - root, np.float32), (*outer.shape, 2))
    scale = dog.head.scale
    comb(scene, outer, flow, Hair(9000, 0.085 * scale * dog.hair, 0.006, 0.12, 0.18 * dog.hair))
    soft = blur(inner, 0.022 * scale * 2)
    sheet = whole()
    depth = ramp(
        np.asarray(np.hypot(sheet.x - root[0], sheet.y - root[1]), np.float32), 0.95 * scale, 0.1 * scale
    )
    skin = mix((0.9, 0.64, 0.57), (0.5, 0.27, 0.24), depth)
    pale = np.asarray(dog.coat.ear) * 0.25 + skin * 0.75
    blend(scene, pale, ramp(soft, 0.2, 0.75) * 0.92)
    shadow(scene, 0.35 * soft * ramp(blur(inner, 0.08 * scale), 0.95, 0.45), tint=(0.5, 0.25, 0.22))
    ear_tuft(scene, dog, side, inner, tip - root)


def ear_tuft(scene: Scene, dog: Dog, side: int, inner: Array, along: Array) -> None:
    """Paints the pale hairs that grow from an ear's inner edge across its inside."""
    edge = polygon(ear_outline(dog, side, 0.86)) * (1 - ramp(blur(inner, 0.05 * dog.head.scale), 0.35, 0.8))
    tint = Scene(scene.pixels, scene.rng, scene.light)
    blend(tint, np.asarray(dog.coat.muzzle) * 0.82, 0.25 * edge)
    centre = np.argwhere(inner > 0.5).mean(axis=0) * (2 / inner.shape[0]) - 1
    sheet = whole()
    inward = np.dstack([centre[1] - sheet.x, centre[0] - sheet.y]) * 1.2 + along * 0.9
    comb(
        tint,
        edge * 0.8,
        np.asarray(inward, np.float32),
        Hair(7000, 0.2 * dog.head.scale, 0.006, 0.16, 0.3, 0.8),
    )
