"""What chance decides about a chihuahua: its build, its coat, its pose, its finery."""

from dataclasses import dataclass

import numpy as np

from canvas import Colour
from coats import COATS, Coat
from face import Look
from solid import Ball, Pose, Relief, pose, relief

HEAD = (
    Ball((0, -0.14, 0), (0.97, 0.86, 0.9)),
    Ball((0.42, 0.3, 0.25), (0.43, 0.4, 0.5)),
    Ball((-0.42, 0.3, 0.25), (0.43, 0.4, 0.5)),
    Ball((0.36, -0.2, 0.62), (0.27, 0.22, 0.25)),
    Ball((-0.36, -0.2, 0.62), (0.27, 0.22, 0.25)),
    Ball((0, 0.42, 0.7), (0.33, 0.27, 0.55)),
    Ball((0.13, 0.55, 0.98), (0.21, 0.18, 0.25)),
    Ball((-0.13, 0.55, 0.98), (0.21, 0.18, 0.25)),
    Ball((0, 0.73, 0.8), (0.19, 0.13, 0.28)),
)
BUST = (
    Ball((0, 0.85, -0.3), (0.56, 0.7, 0.5)),
    Ball((0, 1.75, -0.2), (0.92, 0.95, 0.7)),
    Ball((0, 1.45, 0.2), (0.5, 0.65, 0.5)),
)
SITTING = (
    Ball((0, 0.8, -0.3), (0.5, 0.65, 0.45)),
    Ball((0, 1.5, -0.1), (0.66, 0.82, 0.6)),
    Ball((0.55, 2.3, -0.2), (0.42, 0.5, 0.5)),
    Ball((-0.55, 2.3, -0.2), (0.42, 0.5, 0.5)),
    Ball((0.24, 2.1, 0.35), (0.17, 0.8, 0.2)),
    Ball((-0.24, 2.1, 0.35), (0.17, 0.8, 0.2)),
    Ball((0.27, 2.82, 0.5), (0.21, 0.13, 0.28)),
    Ball((-0.27, 2.82, 0.5), (0.21, 0.13, 0.28)),
    Ball((0.75, 2.75, 0.1), (0.27, 0.13, 0.3)),
    Ball((-0.75, 2.75, 0.1), (0.27, 0.13, 0.3)),
)
CLOTHS: tuple[Colour, ...] = (
    (0.75, 0.18, 0.2),
    (0.2, 0.4, 0.65),
    (0.2, 0.5, 0.45),
    (0.9, 0.6, 0.2),
    (0.5, 0.3, 0.55),
)


@dataclass(frozen=True)
class Dog:
    """What chance decided about one dog."""

    coat: Coat
    head: Pose
    body: tuple[Ball, ...]
    hair: float
    ears: tuple[float, float]
    ear_size: float
    look: Look
    tongue: float
    extra: str
    hue: Colour


def conceive(rng: np.random.Generator) -> Dog:
    """Returns a dog by chance."""
    view = str(rng.choice(["face", "bust", "sitting"], p=[0.4, 0.4, 0.2]))
    head, coat = stance(rng, view), COATS[rng.integers(len(COATS))]
    aside = rng.uniform() < 0.45
    gaze = (float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.2, 0.4))) if aside else (0, 0.1)
    spread = rng.normal(0, 0.12)
    return Dog(
        coat=coat,
        head=head,
        body=SITTING if view == "sitting" else BUST,
        hair=1.9 if rng.uniform() < 0.35 else 1.0,
        ears=(float(spread + rng.normal(0, 0.06)), float(spread + rng.normal(0, 0.06))),
        ear_size=float(rng.uniform(0.9, 1.12)),
        look=Look(gaze, 0.1 if rng.uniform() < 0.07 else float(rng.uniform(0.86, 1)), coat.iris),
        tongue=float(rng.uniform(0.5, 1.5)) if rng.uniform() < 0.25 else 0,
        extra=str(rng.choice(["none", "collar", "bandana"], p=[0.4, 0.3, 0.3])),
        hue=CLOTHS[rng.integers(len(CLOTHS))],
    )


def stance(rng: np.random.Generator, view: str) -> Pose:
    """Returns where the head is in the picture, how large it is and how it is turned."""
    sizes = {
        "face": rng.uniform(0.56, 0.68),
        "bust": rng.uniform(0.44, 0.52),
        "sitting": rng.uniform(0.32, 0.345),
    }
    drop = {"face": 0.16, "bust": 0.0, "sitting": -0.33}[view]
    return pose(
        (rng.uniform(-0.07, 0.07), drop + rng.uniform(-0.04, 0.04)),
        sizes[view],
        yaw=rng.normal(0, 0.25),
        pitch=rng.uniform(-0.12, 0.18),
        roll=rng.normal(0, 0.13),
    )


def head_relief(dog: Dog) -> Relief:
    """Returns the relief of the head."""
    return relief(HEAD, dog.head, 0.07)
