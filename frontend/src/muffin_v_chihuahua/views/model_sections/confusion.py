"""What is taken for what: all of it where there are few classes, else what is confused most often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from muffin_v_chihuahua.language import number, percent, tr
from muffin_v_chihuahua.views.model_sections.classes import FEW
from muffin_v_chihuahua.views.text import plain

Matrix = Sequence[Sequence[int]]

MOST = 15
"""So many pairs, of many classes."""


@dataclass(frozen=True)
class Confused:
    """Pictures of one class that another one won, and of how many."""

    shown: str
    won: str
    pictures: int
    of: int


def draw_confusion(labels: Sequence[str], matrix: Matrix | None) -> None:
    """Draw the section; nothing where the matrix is not one of these classes."""
    if not matrix or {len(matrix), *map(len, matrix)} != {len(labels)}:
        return
    st.subheader(tr("What it takes for what"), anchor=False)
    if len(labels) <= FEW:
        st.html(table_of(labels, matrix))
        st.caption(tr("A row for what the pictures show, a column for what the model said; right is framed."))
    else:
        _draw_pairs(most_confused(labels, matrix))


def most_confused(labels: Sequence[str], matrix: Matrix) -> list[Confused]:
    """The pairs with the most pictures, most first; where these are as many, those of the smaller class."""
    pairs = sorted(_confused(labels, matrix), key=lambda pair: (-pair.pictures, pair.of))
    return pairs[:MOST]


def _confused(labels: Sequence[str], matrix: Matrix) -> Iterator[Confused]:
    for shown, row in enumerate(matrix):
        of = sum(row)
        for won, pictures in enumerate(row):
            if pictures and won != shown:
                yield Confused(labels[shown], labels[won], pictures, of)


def _draw_pairs(pairs: Sequence[Confused]) -> None:
    if not pairs:
        st.caption(tr("It took no test picture for another class."))
        return
    rows = [
        {
            tr("Shown"): plain(pair.shown),
            tr("Said"): plain(pair.won),
            tr("Pictures"): plain(tr("{n} of {all}", n=number(pair.pictures), all=number(pair.of))),
        }
        for pair in pairs
    ]
    st.table(rows, hide_index=True, alt=tr("The classes that are confused most often"))


def table_of(labels: Sequence[str], matrix: Matrix) -> str:
    """HTML of the whole matrix; the stronger a cell's colour, the larger its share of its row."""
    heads = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = "".join(
        _row(place, label, row) for place, (label, row) in enumerate(zip(labels, matrix, strict=True))
    )
    what = escape(tr("What the model said, by what the pictures show"))
    corner = escape(tr("shown \\ said"))
    return (
        f'<div class="mvc-scroll" tabindex="0" role="region" aria-label="{what}">'
        f'<table class="mvc-confusion"><thead><tr><th scope="col">{corner}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(place: int, label: str, row: Sequence[int]) -> str:
    of = sum(row)
    cells = "".join(
        _cell(pictures, pictures / of if of else 0, is_right=won == place) for won, pictures in enumerate(row)
    )
    return f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'


def _cell(pictures: int, share: float, *, is_right: bool) -> str:
    return (
        f'<td{" class=right" if is_right else ""} style="--share:{share:.1%}">{escape(number(pictures))}'
        f"<small>{escape(percent(share))}</small></td>"
    )
