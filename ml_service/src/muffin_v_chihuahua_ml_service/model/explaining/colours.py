"""Colours for heat that everybody can tell apart, each step as far from the next as it looks.

Viridis, by S. van der Walt and N. Smith for matplotlib 1.5, published under CC0: 17 of its 256 colours,
between which it is straight to within 6 of 255.
"""

import numpy as np
from numpy.typing import NDArray

_ANCHORS = np.array(
    [
        *((68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141)),
        *((44, 114, 142), (38, 130, 142), (33, 145, 140), (31, 159, 136), (39, 173, 129), (61, 188, 116)),
        *((92, 200, 99), (129, 211, 77), (170, 220, 50), (213, 226, 26), (253, 231, 37)),
    ]
)


_SHADES = 256

_VIRIDIS = np.stack(
    [
        np.interp(np.linspace(0, 1, _SHADES), np.linspace(0, 1, len(_ANCHORS)), band).round()
        for band in _ANCHORS.T
    ],
    axis=-1,
).astype(np.uint8)


def viridis(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGB uint8 [..., 3] of heat in [0, 1], from dark violet over green to yellow."""
    shades: NDArray[np.uint8] = _VIRIDIS[(heat * (_SHADES - 1)).round().astype(np.uint8)]
    return shades
