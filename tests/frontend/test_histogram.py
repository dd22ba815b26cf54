from math import inf

import pytest

from muffin_v_chihuahua.histogram import Histogram

BOUNDS = (0.1, 0.2, 0.4, inf)


@pytest.mark.parametrize(
    ("q", "seconds"),
    # what Prometheus says to histogram_quantile(q, ...) of these four buckets
    [(0.0, 0.0), (0.25, 0.05), (0.5, 0.1), (0.75, 0.15), (0.9, 0.18), (0.95, 0.19), (1.0, 0.2)],
)
def test_a_quantile_lies_in_its_bucket_as_if_all_in_it_lay_evenly(q: float, seconds: float) -> None:
    assert Histogram(BOUNDS, (50, 100, 100, 100)).quantile(q) == pytest.approx(seconds)


def test_what_is_longer_than_the_last_bound_counts_as_that_bound() -> None:
    assert Histogram(BOUNDS, (0, 0, 10, 100)).quantile(0.5) == 0.4


def test_an_empty_bucket_does_not_divide_by_nothing() -> None:
    assert Histogram(BOUNDS, (0, 0, 100, 100)).quantile(0.0) == 0.0


@pytest.mark.parametrize(
    "histogram",
    [Histogram(), Histogram(BOUNDS, (0, 0, 0, 0)), Histogram((inf,), (3,)), Histogram((0.1, 0.2), (1, 2))],
)
def test_without_observations_or_without_bounds_there_is_no_quantile(histogram: Histogram) -> None:
    assert histogram.quantile(0.5) is None


def test_what_came_since_is_the_difference() -> None:
    before, now = Histogram(BOUNDS, (1, 2, 2, 2)), Histogram(BOUNDS, (1, 5, 6, 7))
    assert now.since(before) == Histogram(BOUNDS, (0, 3, 4, 5))


@pytest.mark.parametrize(
    "before", [Histogram(BOUNDS, (9, 9, 9, 9)), Histogram((1, inf), (1, 1)), Histogram()]
)
def test_after_a_new_beginning_all_of_it_came_since(before: Histogram) -> None:
    now = Histogram(BOUNDS, (1, 2, 2, 3))
    assert now.since(before) == now


def test_two_add_up_and_of_two_that_do_not_fit_the_later_one_counts() -> None:
    one, other, nothing = Histogram(BOUNDS, (1, 2, 2, 2)), Histogram((1, inf), (1, 1)), Histogram()
    assert one + one == Histogram(BOUNDS, (2, 4, 4, 4))
    assert one + other == other
    assert one + nothing == nothing + one == one
