"""The coats of chihuahuas: which colour a point of the head or of the body has."""

from dataclasses import dataclass

import numpy as np

from canvas import Array, Colour, mix, ramp


@dataclass(frozen=True)
class Coat:
    """Colours of one coat; `muzzle` also colours the brows' dots and the chest where `points` is set."""

    name: str
    base: Colour
    deep: Colour
    muzzle: Colour
    ear: Colour
    nose: Colour = (0.1, 0.085, 0.09)
    iris: Colour = (0.3, 0.15, 0.06)
    points: bool = False
    blaze: bool = False
    mask: float = 0


COATS = (
    Coat("fawn", (0.85, 0.66, 0.46), (0.71, 0.5, 0.31), (0.95, 0.84, 0.68), (0.68, 0.44, 0.25)),
    Coat(
        "fawn-masked", (0.82, 0.64, 0.45), (0.67, 0.47, 0.3), (0.6, 0.4, 0.25), (0.46, 0.29, 0.18), mask=0.75
    ),
    Coat("red", (0.73, 0.46, 0.28), (0.57, 0.31, 0.17), (0.9, 0.7, 0.5), (0.56, 0.28, 0.13)),
    Coat(
        "red-white", (0.75, 0.49, 0.31), (0.59, 0.34, 0.19), (0.97, 0.94, 0.9), (0.6, 0.32, 0.16), blaze=True
    ),
    Coat("cream", (0.95, 0.86, 0.7), (0.86, 0.71, 0.5), (0.98, 0.94, 0.86), (0.88, 0.72, 0.53)),
    Coat("white", (0.96, 0.94, 0.9), (0.87, 0.82, 0.76), (0.99, 0.98, 0.95), (0.84, 0.68, 0.54)),
    Coat(
        "black-tan", (0.17, 0.15, 0.16), (0.1, 0.09, 0.1), (0.78, 0.5, 0.28), (0.13, 0.115, 0.12), points=True
    ),
    Coat(
        "chocolate-tan",
        (0.38, 0.22, 0.14),
        (0.27, 0.15, 0.1),
        (0.82, 0.58, 0.36),
        (0.3, 0.17, 0.11),
        nose=(0.26, 0.15, 0.12),
        iris=(0.5, 0.3, 0.1),
        points=True,
    ),
    Coat(
        "blue",
        (0.47, 0.48, 0.53),
        (0.34, 0.35, 0.4),
        (0.76, 0.66, 0.58),
        (0.36, 0.36, 0.41),
        nose=(0.2, 0.2, 0.23),
        points=True,
    ),
    Coat(
        "black-white",
        (0.19, 0.17, 0.18),
        (0.12, 0.1, 0.11),
        (0.96, 0.94, 0.92),
        (0.14, 0.12, 0.13),
        blaze=True,
    ),
)


def distance(own: Array, centre: tuple[float, float, float], stretch: tuple[float, float, float]) -> Array:
    """Returns the stretched distance of points [..., 3] from a centre, both left and right of the body."""
    x = (np.abs(own[..., 0]) - centre[0]) / stretch[0]
    y, z = ((own[..., axis] - centre[axis]) / stretch[axis] for axis in (1, 2))
    return np.asarray(np.sqrt(x * x + y * y + z * z), np.float32)


def head_colour(coat: Coat, own: Array, noise: Array) -> Array:
    """Returns the colours [h, w, 3] of the head at its own coordinates; `noise` frays the borders."""
    rough = noise * 0.12
    colour = mix(coat.base, coat.deep, ramp(-own[..., 1] + 0.7 * rough, 0.35, 1.15))
    colour = mix(colour, coat.deep, 0.45 * ramp(noise, 0.1, 0.9))
    muzzle = ramp(distance(own, (0, 0.55, 0.95), (0.5, 0.42, 0.75)) + rough, 1.25, 0.7)
    cheek = ramp(distance(own, (0.62, 0.52, 0.45), (0.42, 0.33, 0.6)) + rough, 1.1, 0.5)
    colour = mix(colour, coat.muzzle, np.maximum(muzzle, cheek * (0.9 if coat.points else 0.5)))
    if coat.points:
        colour = mix(
            colour, coat.muzzle, ramp(distance(own, (0.33, -0.27, 0.85), (0.17, 0.1, 0.5)) + rough, 1.2, 0.5)
        )
    if coat.blaze:
        half = 0.1 + 0.16 * ramp(own[..., 1], -0.25, -0.9) + 0.2 * ramp(own[..., 1], 0.05, 0.35)
        colour = mix(colour, coat.muzzle, ramp(np.abs(own[..., 0]) + rough * 0.5, half + 0.04, half - 0.05))
    dark = ramp(distance(own, (0, 0.5, 1.15), (0.33, 0.3, 0.7)) + rough, 1.2, 0.4) * coat.mask
    return mix(colour, (0.16, 0.11, 0.09), dark)


def body_colour(coat: Coat, own: Array, noise: Array) -> Array:
    """Returns the colours [h, w, 3] of the body, with the bib on its chest."""
    colour = mix(coat.base, coat.deep, ramp(np.abs(own[..., 0]) + noise * 0.2, 0.2, 0.9))
    bib = ramp(distance(own, (0, 1.35, 0.6), (0.42, 0.7, 0.9)) + noise * 0.15, 1.1, 0.6)
    socks = ramp(own[..., 1] + noise * 0.1, 2.45, 2.75)
    return mix(
        colour, coat.muzzle, np.maximum(bib * (0.9 if coat.points or coat.blaze else 0.65), socks * 0.8)
    )
