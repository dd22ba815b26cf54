"""Shares as a list with bars, each with how far chance may have moved it: read by screen readers too."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor

from muffin_v_chihuahua.language import percent, tr
from muffin_v_chihuahua.wire import Interval


@dataclass(frozen=True)
class Share:
    """One line: what it is a share of, the share, and its 95 % interval if there is one."""

    name: str
    share: float
    interval: Interval | None = None
    text: str = ""
    """Written in place of the share."""


def with_interval(share: float, interval: Interval | None) -> str:
    """A share as it is written: 98.3% (97.1% to 99.0%)."""
    said = percent(share)
    if interval is None:
        return said
    low, high = (percent(end) for end in interval)
    return tr("{share} ({low} to {high})", share=said, low=low, high=high)


def list_of(shares: Sequence[Share], start: float = 0.0) -> str:
    """HTML of the list, with bars that begin at `start` and end at 1; an interval is a thin line."""
    items = "".join(_item(share, start) for share in shares)
    return f'<div class="mvc-shares"><ul>{items}</ul>{_axis(start) if start else ""}</div>'


def start_for(shares: Sequence[Share]) -> float:
    """Where bars may begin, so that what lies close together can be told apart: a whole tenth."""
    lowest = min(min(share.interval or (share.share,)) for share in shares)
    return min(floor(lowest * 10) / 10, 0.9)


def _axis(start: float) -> str:
    ends = (f"<span>{escape(percent(end, 0))}</span>" for end in (start, 1))
    return f'<div class="axis" aria-hidden="true">{"".join(ends)}</div>'


def _item(share: Share, start: float) -> str:
    said = share.text or with_interval(share.share, share.interval)
    # the bar repeats the numbers for the eye; whoever listens hears the numbers
    return (
        f'<li><div class="name"><span>{escape(share.name)}</span> <span>{escape(said)}</span></div>'
        f'<div class="track" aria-hidden="true">'
        f'<div class="filled" style="width:{_place(share.share, start):.2%}"></div>'
        f"{_line(share.interval, start) if share.interval else ''}</div></li>"
    )


def _line(interval: Interval, start: float) -> str:
    low, high = (_place(end, start) for end in interval)
    return f'<div class="between" style="left:{low:.2%};width:{max(high - low, 0):.2%}"></div>'


def _place(share: float, start: float) -> float:
    return min(max((share - start) / (1 - start), 0.0), 1.0)
