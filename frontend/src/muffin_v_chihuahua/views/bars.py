"""The classes of an answer as a list with bars: one element of the page, which a screen reader reads too."""

from collections.abc import Sequence
from html import escape

from muffin_v_chihuahua.language import percent
from muffin_v_chihuahua.wire import Prediction, Score

BARS = 3


def bars_of(prediction: Prediction) -> str:
    """HTML with the best classes, each with its share; the trophy is for an answer that is sure."""
    best = prediction.predictions[:BARS]
    return _list(["🏆 " if place == 0 and prediction.is_sure else "" for place in range(len(best))], best)


def _list(marks: Sequence[str], scores: Sequence[Score]) -> str:
    items = (_item(mark, score) for mark, score in zip(marks, scores, strict=True))
    return f'<ul class="mvc-bars">{"".join(items)}</ul>'


def _item(mark: str, score: Score) -> str:
    # the bar repeats the number for the eye; whoever listens hears the number
    return (
        f"<li{' class=first' if mark else ''}>"
        f'<div class="name"><span>{mark}{escape(score.label)}</span> '
        f"<span>{escape(percent(score.probability))}</span></div>"
        f'<div class="track" aria-hidden="true">'
        f'<div class="filled" style="width:{score.probability:.1%}"></div></div></li>'
    )
