"""What was measured of the page, as a table and as aims."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .aims import Aim, Verdict
from .tables import table

START, BEFORE, SHOWN, CLEARED, AGAIN = "start", "before", "shown", "cleared", "again"

MOMENTS: Mapping[str, str] = {
    START: "the page is open, and nothing was handed in yet",
    BEFORE: "handed in and cleared once, so that everything is loaded that has to be: before",
    SHOWN: "the pictures are shown",
    CLEARED: "and cleared",
    AGAIN: "handed in and cleared five times",
}
"""When the page's memory was looked at, and how that is told."""


@dataclass(frozen=True)
class PageResults:
    """Seconds for the pictures, round by round, and the megabytes of the page's process.

    Args:
        pictures: how many were handed in at once.
        command: seconds of `predict`.
        page: seconds of the page.
        megabytes: at each of the moments.
        thumbnails: megabytes of the small copies that the page shows.
    """

    pictures: int
    command: Sequence[float]
    page: Sequence[float]
    megabytes: Mapping[str, float]
    thumbnails: float

    @property
    def ratio(self) -> float:
        """The page's median to that of the command line."""
        return median(self.page) / median(self.command)

    def growth(self, moment: str) -> float:
        """Megabytes more than before."""
        return self.megabytes[moment] - self.megabytes[BEFORE]

    def verdicts(self) -> Iterator[Verdict]:
        """What came of the aims."""
        yield _verdict(f"{self.pictures} pictures: the page's time to the command line's", self.ratio, 1.3)
        for moment in (SHOWN, AGAIN):
            more = f"MB more than before, of the {self.thumbnails:.1f} MB that it shows: {MOMENTS[moment]}"
            yield _verdict(more, self.growth(moment), self.thumbnails, " MB")

    def markdown(self) -> str:
        """All of it."""
        seconds = table(
            f"{self.pictures} pictures of 500 x 375",
            ("", "seconds (median)", "rounds"),
            [_row("predict, on the command line", self.command), _row("the page", self.page)],
        )
        rows = [(MOMENTS[each], f"{value:.1f}") for each, value in self.megabytes.items()]
        shown = ("the small copies that it shows", f"{self.thumbnails:.1f}")
        memory = table("memory of the page's process", ("", "MB"), [*rows, shown])
        return f"{seconds}\n{memory}"


def _row(title: str, seconds: Sequence[float]) -> Sequence[str]:
    return title, f"{median(seconds):.2f}", ", ".join(f"{each:.2f}" for each in seconds)


def _verdict(sentence: str, measured: float, limit: float, unit: str = "") -> Verdict:
    # "at most": with nothing shown at all, nothing more is what is wanted
    return Verdict(
        Aim(sentence, lambda _: measured, "under" if not unit else "at most", limit, unit), measured
    )
