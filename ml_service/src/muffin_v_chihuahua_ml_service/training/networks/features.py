"""Features of pictures from a frozen network: computed once, a head is fitted to them in seconds."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ...model.preprocessing import Preprocessing, preprocess
from ...settings import usable_cores
from ..data.augmentation import random_view
from ..data.dataset import Sample

_BATCH = 64


def extract_features(
    network: keras.Model, samples: Sequence[Sample], how: Preprocessing, *, augmented: int | None = None
) -> NDArray[np.float32]:
    """The network's output float32 [N, channels] for each sample, in order.

    Args:
        network: pictures float32 [N, height, width, 3] in [0, 255] to features.
        samples: the pictures.
        how: the preprocessing that the bundle will have.
        augmented: None for the pictures as they are, or the number of a random view of each; the view follows
            from this number and the picture's digest alone.
    """

    def picture(sample: Sample) -> NDArray[np.float32]:
        data = sample.path.read_bytes()
        if augmented is not None:
            rng = random.Random(f"{sample.sha256}/{augmented}")  # noqa: S311 - no secret
            data = random_view(data, rng, how.alpha_background)
        return preprocess(data, how)

    starts = range(0, len(samples), _BATCH)
    shown = "features" if augmented is None else f"features, augmented view {augmented}"
    with ThreadPoolExecutor(usable_cores()) as decoders:
        batches = [
            network.predict_on_batch(np.stack(list(decoders.map(picture, samples[start : start + _BATCH]))))
            for start in track(starts, description=f"{shown} ({len(samples)} pictures)")
        ]
    return np.concatenate(batches)
