"""A model's card, which is Markdown that somebody else wrote: its text, and its sections on limits."""

import re
from collections.abc import Iterator, Sequence

_HEAD = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"(#{1,6})\s")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_ON_LIMITS = re.compile(r"\b(limit|out.of.scope|risk|bias)", re.IGNORECASE)
_DIRECTIVE = re.compile(r":(?=[a-z][a-z0-9_-]*\[)")
DEEPEST = 6


def text_of(card: str) -> str:
    """The card without the YAML that some cards begin with, which is for programs."""
    return _HEAD.sub("", "\n".join(card.splitlines())).strip()


def on_limits(card: str) -> str:
    """Those of its sections whose headings speak of limits, one after the other."""
    lines = text_of(card).splitlines()
    kept: list[str] = []
    within = 0  # the level of the heading that speaks of limits, 0 outside of its section
    for line, level in _with_levels(lines):
        if level and (not within or level <= within):
            within = level if _ON_LIMITS.search(line) else 0
        if within:
            kept.append(line)
    return "\n".join(kept)


def below(text: str, levels: int) -> str:
    """The text as part of a page: its headings so many levels down, and nothing that only Streamlit reads."""
    lines = (
        "#" * (min(level + levels, DEEPEST) - level) + line if level else line
        for line, level in _with_levels(text.splitlines())
    )
    return _DIRECTIVE.sub(r"\\:", "\n".join(lines))


def _with_levels(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each line with its level as a heading, 0 where it is none; in a block of code nothing is."""
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark and fence in {"", mark[1]}:
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        yield line, len(heading[1]) if heading else 0
