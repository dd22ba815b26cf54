"""The cup a muffin is baked in: pleated paper or foil, seen from the side or from above."""

from dataclasses import dataclass

import numpy as np

from canvas import Array, Colour, Scene, Window, around, blend, blur, mix, ramp, shadow
from noise import clouds
from solid import Pose, light_up

RIM = 0.04
FLOOR = 1.02


@dataclass(frozen=True)
class Cup:
    """A cup's colour, gloss, number of pleats, radii at rim and floor (muffin units), pattern."""

    colour: Colour
    gloss: float
    pleats: int
    rim: float
    floor: float
    pattern: str


PAPERS: tuple[tuple[Colour, float], ...] = (
    ((0.95, 0.93, 0.89), 0),
    ((0.5, 0.31, 0.19), 0),
    ((0.79, 0.63, 0.44), 0),
    ((0.93, 0.72, 0.73), 0),
    ((0.66, 0.8, 0.88), 0),
    ((0.75, 0.2, 0.2), 0),
    ((0.96, 0.86, 0.58), 0),
    ((0.72, 0.83, 0.67), 0),
    ((0.75, 0.75, 0.77), 0.7),
    ((0.85, 0.68, 0.34), 0.6),
)


def choose_cup(rng: np.random.Generator) -> Cup:
    """Returns a cup by chance."""
    colour, gloss = PAPERS[rng.integers(len(PAPERS))]
    pattern = str(rng.choice(["plain", "dots", "stripes"], p=[0.7, 0.15, 0.15])) if not gloss else "plain"
    return Cup(
        colour, gloss, int(rng.integers(22, 36)), rng.uniform(0.9, 1.0), rng.uniform(0.64, 0.72), pattern
    )


def cup_hit(cup: Cup, where: Pose, window: Window) -> tuple[Array, Array]:
    """Returns own coordinates [h, w, 3] where the line of sight meets the cone, and where it does (0 or 1).

    The nearer root of the quadratic equation of a cone along the line of sight.
    """
    slope = (cup.floor - cup.rim) / (FLOOR - RIM)
    start = where.own(window.x, window.y, np.zeros_like(window.x))
    way = where.turn[2].tolist()
    radius = cup.rim + slope * (start[..., 1] - RIM)
    a = way[0] ** 2 + way[2] ** 2 - (slope * way[1]) ** 2
    b = start[..., 0] * way[0] + start[..., 2] * way[2] - slope * way[1] * radius
    c = start[..., 0] ** 2 + start[..., 2] ** 2 - radius**2
    root = b**2 - a * c
    depth = (-b + np.sqrt(np.maximum(root, 0))) / a
    return np.asarray(start + depth[..., None] * where.turn[2], np.float32), np.asarray(root > 0, np.float32)


def paint_cup(scene: Scene, cup: Cup, where: Pose) -> None:
    """Paints a cup seen from the side or from obliquely above (a pitch of up to about 1 radian)."""
    window = around(where.centre[0], where.centre[1] + 0.5 * where.scale, 1.2 * where.scale)
    hit, there = cup_hit(cup, where, window)
    angle = np.arctan2(hit[..., 0], hit[..., 2])
    fold = np.asarray(np.abs(np.sin(angle * cup.pleats / 2)), np.float32)
    top = RIM - 0.05 + 0.035 * fold
    cover = (
        there * ramp(hit[..., 1], top - 0.008, top + 0.008) * ramp(hit[..., 1], FLOOR + 0.01, FLOOR - 0.01)
    )
    height = where.scale * (hit @ where.turn[2] + 0.05 * fold)
    colour = cup_colour(scene, cup, hit, angle, window)
    lit = light_up(scene, colour, np.asarray(height, np.float32), cup.gloss * 0.5, 0)
    lit *= (0.8 + 0.22 * fold)[..., None]
    lit *= mix((1, 1, 1), (0.62, 0.55, 0.53), ramp(hit[..., 1], 0.35, 1.2))
    blend(scene, lit, blur(np.asarray(cover, np.float32), 0.003), window)


def cup_colour(scene: Scene, cup: Cup, hit: Array, angle: Array, window: Window) -> Array:
    """Returns the cup's colours [h, w, 3]: its pattern, and the butter that soaks through."""
    grease = ramp(clouds(scene.rng, 5)[window.area] * 0.5 + hit[..., 1], 0.4, 1.3)
    colour = mix(cup.colour, np.asarray(cup.colour) * (0.86, 0.76, 0.62), grease * (cup.gloss == 0))
    wave = np.sin(angle * cup.pleats / 2)
    if cup.pattern == "dots":
        wave = wave * np.sin(hit[..., 1] * 16)
    if cup.pattern == "plain":
        return colour
    return mix(colour, (0.98, 0.96, 0.92), ramp(np.asarray(wave, np.float32), 0.3, 0.6) * 0.9)


def paint_rim(scene: Scene, cup: Cup, where: Pose) -> None:
    """Paints a cup seen from above: the frill of paper that stands out around the dome."""
    sheet = around(where.centre[0], where.centre[1], 1.5 * where.scale)
    x, y = (sheet.x - where.centre[0]) / where.scale, (sheet.y - where.centre[1]) / where.scale
    angle = np.arctan2(y, x)
    away = np.asarray(np.hypot(x, y), np.float32)
    fold = np.asarray(np.cos(angle * cup.pleats + clouds(scene.rng, 3, 2)[sheet.area]), np.float32)
    edge = 1.13 + 0.03 * fold
    shadow(
        scene,
        0.65
        * ramp(np.asarray(away + 0.12 * (x * scene.light[0] + y * scene.light[1]), np.float32), 1.32, 1.02),
        sheet,
    )
    height = where.scale * (0.35 * away + 0.03 * fold * ramp(away, 0.8, 1))
    own = np.stack([x, 1.2 - away, 0 * x], axis=-1)
    colour = cup_colour(scene, cup, np.asarray(own, np.float32), np.asarray(angle * 2, np.float32), sheet)
    lit = (
        light_up(scene, colour, np.asarray(height, np.float32), cup.gloss * 0.5, 0)
        * (0.84 + 0.16 * fold)[..., None]
    )
    blend(scene, lit, ramp(away, edge, edge - 0.012), sheet)
    shadow(scene, 0.5 * ramp(away, 1.08, 0.98) * ramp(away, edge, edge - 0.01), sheet)
