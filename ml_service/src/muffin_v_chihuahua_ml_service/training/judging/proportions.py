"""Shares of counted pictures, each with how far chance alone may have moved it."""

from typing import Any

from scipy.stats import binomtest


def share(name: str, part: int, whole: int) -> dict[str, Any]:
    """``name`` and ``name_interval``: a share with its 95 % interval, or None for both of nothing.

    The interval is Wilson's (1927, doi 10.1080/01621459.1927.10502953): it stays inside [0, 1], and has a
    width even where all of few pictures are right.

    Args:
        name: what the share is called.
        part: how many are meant.
        whole: of how many.
    """
    if whole == 0:
        return {name: None, f"{name}_interval": None}
    interval = binomtest(part, whole).proportion_ci(method="wilson")
    return {name: part / whole, f"{name}_interval": [float(interval.low), float(interval.high)]}
