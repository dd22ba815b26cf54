"""A training picture on its way to the network: the same preprocessing that serves, and other views of it."""

import random

import numpy as np
from numpy.typing import NDArray

from ...model.preprocessing import Preprocessing, preprocess
from .augmentation import random_view


def training_picture(
    data: bytes, how: Preprocessing, digest: str = "", view: int | None = None
) -> NDArray[np.float32]:
    """A picture as the network gets it: float32 [height, width, 3] in [0, 255].

    Args:
        data: the picture's bytes.
        how: the preprocessing that the bundle will have.
        digest: the picture's SHA-256.
        view: None for the picture as it is, or the number of a random view; the view follows from this number
            and the digest alone.
    """
    if view is None:
        return preprocess(data, how)
    rng = random.Random(f"{digest}/{view}")  # noqa: S311 - no secret
    return preprocess(random_view(data, rng, how.alpha_background), how)
