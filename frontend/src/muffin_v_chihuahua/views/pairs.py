"""Names with what belongs to them, as a list of terms: read by screen readers, narrow on a telephone."""

from collections.abc import Mapping
from html import escape


def pairs_of(pairs: Mapping[str, str | None]) -> str:
    """HTML with a line for each name; one that has nothing is left out."""
    lines = (f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in pairs.items() if said)
    return f'<dl class="mvc-pairs">{"".join(lines)}</dl>'
