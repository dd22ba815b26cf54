"""Class activation maps: what each place of the picture says for each class, from one forward pass.

Source: B. Zhou et al. 2016, "Learning Deep Features for Discriminative Localization" (arXiv 1512.04150). A
network that ends in global average pooling and a dense layer computes the mean, over all places, of what the
dense layer would say of each place alone. Before that mean is taken, it is a map.
"""

import numpy as np
from numpy.typing import NDArray

from ..bundle import ModelBundle


def read_head(bundle: ModelBundle) -> NDArray[np.float32] | None:
    """The head float32 [channels + 1, labels] of a bundle with activation maps, its bias in the last row.

    Raises:
        ValueError: it is not one for as many labels as the bundle has.
        OSError: it cannot be read.
    """
    declared = bundle.manifest.activation_maps
    if declared is None:
        return None
    head: NDArray[np.float32] = np.load(bundle.folder / declared.head, allow_pickle=False)
    if head.ndim != 2 or head.shape[1] != len(bundle.manifest.labels):  # noqa: PLR2004 - channels, labels
        msg = f"{declared.head} has the shape {head.shape} for {len(bundle.manifest.labels)} labels"
        raise ValueError(msg)
    return head


def activation_maps(features: NDArray[np.float32], head: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits of each place [height, width, labels], whose mean over the places is that of the picture.

    Args:
        features: the last feature map [height, width, channels].
        head: [channels + 1, labels], the bias in the last row.
    """
    maps: NDArray[np.float32] = features @ head[:-1] + head[-1]
    return maps
