"""The worst mistakes on one page: whoever looks at them sees what the numbers do not say."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..behaviour.looks import upright

MOST = 24
"""So many mistakes fit on a page that can still be read."""

_COLUMNS = 6
_SIDE, _CAPTION, _GAP = 200, 40, 12
_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_LONGEST = 26
"""Characters of a line of the caption that are as wide as a thumbnail."""


def contact_sheet(mistakes: Sequence[Mapping[str, Any]]) -> Image.Image:
    """Thumbnails with their label, what won and with which probability.

    Args:
        mistakes: as ``Evaluation.mistakes`` gives them; at least one, and the first ``MOST`` are shown.
    """
    shown = mistakes[:MOST]
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    width, height = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    for place, mistake in enumerate(shown):
        _paste(sheet, mistake, (_GAP + place % columns * width, _GAP + place // columns * height))
    return sheet


def _paste(sheet: Image.Image, mistake: Mapping[str, Any], corner: tuple[int, int]) -> None:
    left, top = corner
    with Image.open(mistake["path"]) as opened:
        image = ImageOps.contain(upright(opened).convert("RGB"), (_SIDE, _SIDE))
    sheet.paste(image, (left + (_SIDE - image.width) // 2, top + (_SIDE - image.height) // 2))
    sure = "" if mistake["verdict"] == mistake["winner"] else f", {mistake['verdict']}"
    lines = (f"labelled {mistake['truth']}", f"{mistake['winner']} {mistake['probability']:.1%}{sure}")
    font = ImageFont.load_default(14)
    for number, line in enumerate(lines):
        where = (left, top + _SIDE + 4 + 18 * number)
        ImageDraw.Draw(sheet).text(where, line[:_LONGEST], fill=_INK, font=font)
