"""What the curves on the page about the model have in common."""

from collections.abc import Sequence
from typing import Any

import altair as alt

# Altair 6.3 takes pandas from `sys.modules`, and fails where another visitor's thread is still importing it
# for the first table: an import here waits for that thread.
import pandas as pd  # noqa: F401

BROWN, BLUE = "#b85a26", "#2e86c1"
"""Two colours that everybody can tell apart, on light and on dark; the lines differ in their strokes too."""

HEIGHT = 320  # pixels
AXIS = alt.Axis(format=".0%")


def rows_of(rows: Sequence[dict[str, Any]]) -> Any:
    """The rows as a chart takes them without a table's types being guessed."""
    return alt.InlineData(values=list(rows))
