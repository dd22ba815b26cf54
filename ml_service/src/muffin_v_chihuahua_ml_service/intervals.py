"""How far chance alone may have moved a share."""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953); ``whole`` is not 0."""
    share, weight = part / whole, _Z**2 / whole
    middle = share + weight / 2
    half = _Z * sqrt(share * (1 - share) / whole + weight / (4 * whole))
    return max(0.0, (middle - half) / (1 + weight)), min(1.0, (middle + half) / (1 + weight))
