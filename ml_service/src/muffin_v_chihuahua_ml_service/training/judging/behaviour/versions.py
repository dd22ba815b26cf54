"""The versions of a picture that a bundle is asked about, and what each is compared with.

A version that gives the network the very same array may change no verdict: one change is one too many. A JPEG
of at least four times the network's size is decoded smaller, so its PNG has other pixels: such a picture is
made smaller first, and its PNG is not compared with the file as found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from . import changes
from .changes import Change

AS_FOUND = "as found"
PNG = "PNG"


@dataclass(frozen=True)
class Version:
    """Another version of a picture, and the name of the one whose verdict it should get."""

    change: Change
    against: str = PNG


EXACT: Mapping[str, Version] = {
    PNG: Version(changes.as_png, against=AS_FOUND),
    "lossless WebP": Version(changes.as_lossless_webp),
    **{
        f"EXIF orientation {value}": Version(partial(changes.lying, orientation=value))
        for value in range(1, 9)
    },
}
"""May change no verdict."""

SIMILAR: Mapping[str, Version] = {
    "mirrored": Version(changes.mirrored),
    "turned by -10°": Version(partial(changes.straightened, degrees=-10)),
    "turned by 10°": Version(partial(changes.straightened, degrees=10)),
    "brightness x 0.8": Version(partial(changes.brighter, factor=0.8)),
    "brightness x 1.2": Version(partial(changes.brighter, factor=1.2)),
    "contrast x 0.8": Version(partial(changes.more_contrast, factor=0.8)),
    "contrast x 1.2": Version(partial(changes.more_contrast, factor=1.2)),
    "JPEG quality 95": Version(partial(changes.encode, kind="JPEG", quality=95)),
    "JPEG quality 75": Version(partial(changes.encode, kind="JPEG", quality=75)),
    "JPEG quality 50": Version(partial(changes.encode, kind="JPEG", quality=50)),
    "JPEG quality 30": Version(partial(changes.encode, kind="JPEG", quality=30)),
    "WebP quality 90": Version(partial(changes.encode, kind="WEBP", quality=90)),
    "resized to 50 %": Version(partial(changes.resized, factor=0.5)),
    "resized to 200 %": Version(partial(changes.resized, factor=2)),
    "grey": Version(changes.grey),
}
"""May change a few verdicts."""

PARTS = (0.25, 0.5, 0.75, 1.0)
"""How much of the picture the steps of a ladder take away."""

LADDERS: Mapping[str, Mapping[float, Change]] = {
    "occlusion": {part: partial(changes.occluded, part=part) for part in PARTS},
    "noise": {part: partial(changes.noisy, part=part) for part in PARTS},
}
"""What leaves less and less to see, and in the end nothing."""


def step(ladder: str, part: float) -> str:
    """The name of the version that is a step of a ladder."""
    return f"{ladder} {part:.0%}"


def all_changes() -> dict[str, Change]:
    """Every version by its name, the steps of the ladders included."""
    return {
        **{name: version.change for name, version in {**EXACT, **SIMILAR}.items()},
        **{step(name, part): change for name, steps in LADDERS.items() for part, change in steps.items()},
    }
