"""A histogram as Prometheus keeps it, and the percentiles that it can still tell."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Histogram:
    """How many observations were at most as large as each bound, the last of which is infinite."""

    bounds: tuple[float, ...] = ()
    counts: tuple[float, ...] = ()

    @property
    def count(self) -> float:
        """How many observations there are."""
        return self.counts[-1] if self.counts else 0.0

    def since(self, before: "Histogram") -> "Histogram":
        """What came after `before`: all of it, where fewer are counted now and so counting began again."""
        if self.bounds != before.bounds or self.count < before.count:
            return self
        counts = zip(self.counts, before.counts, strict=True)
        return Histogram(self.bounds, tuple(now - then for now, then in counts))

    def __add__(self, other: "Histogram") -> "Histogram":
        """Both together; where both have bounds, and not the same, the later one alone."""
        if self.bounds != other.bounds:
            return other if other.bounds else self
        return Histogram(self.bounds, tuple(map(sum, zip(self.counts, other.counts, strict=True))))

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` of the observations does not exceed; None where it cannot be told.

        It is estimated as Prometheus' `histogram_quantile` does: as if the observations in a bucket lay
        evenly between its bounds, the first beginning at 0. Of the last bucket, which has no end, it is the
        beginning.
        https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
        """
        if self.count <= 0 or self.bounds[:-1] == () or self.bounds[-1] != inf:
            return None
        rank = q * self.count
        place = next(place for place, count in enumerate(self.counts) if count >= rank)
        if self.bounds[place] == inf:
            return self.bounds[place - 1]
        start, before = (self.bounds[place - 1], self.counts[place - 1]) if place else (0.0, 0.0)
        inside = self.counts[place] - before
        return start + (self.bounds[place] - start) * ((rank - before) / inside if inside else 0.0)
