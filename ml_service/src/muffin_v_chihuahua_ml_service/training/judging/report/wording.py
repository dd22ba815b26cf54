"""Measures in words: the same in the gate's sentences, on the terminal and in the card."""

from collections.abc import Mapping, Sequence
from typing import Any


def percent(value: float | None, decimals: int = 1) -> str:
    """A share as a percentage, or ``-`` where there is none."""
    return "-" if value is None else f"{value:.{decimals}%}"


def interval(ends: Sequence[float] | None, decimals: int = 1) -> str:
    """A 95 % interval as ``97.1-99.0%``, or ``-`` where there is none."""
    return "-" if ends is None else f"{100 * ends[0]:.{decimals}f}-{ends[1]:.{decimals}%}"


def with_interval(measures: Mapping[str, Any], name: str, decimals: int = 1) -> str:
    """A share with its interval, as ``proportions.share`` made them: ``98.4% (97.1-99.0%)``."""
    if measures[name] is None:
        return "-"
    return f"{percent(measures[name], decimals)} ({interval(measures[f'{name}_interval'], decimals)})"
