"""Shares of counted pictures, each with how far chance alone may have moved it."""

from typing import Any

from ...intervals import wilson_interval


def share(name: str, part: int, whole: int) -> dict[str, Any]:
    """``name`` and ``name_interval``: a share with its 95 % interval, or None for both of nothing.

    The interval is Wilson's: inside [0, 1], and of some width even where all of few pictures are right.

    Args:
        name: what the share is called.
        part: how many are meant.
        whole: of how many.
    """
    if whole == 0:
        return {name: None, f"{name}_interval": None}
    return {name: part / whole, f"{name}_interval": list(wilson_interval(part, whole))}
