import pytest
from scipy.stats import binomtest

from muffin_v_chihuahua_ml_service.intervals import wilson_interval


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (0, 7), (58, 60), (60, 60), (12_345, 99_999)])
def test_the_interval_is_the_one_that_scipy_computes(part: int, whole: int) -> None:
    interval = binomtest(part, whole).proportion_ci(method="wilson")

    assert wilson_interval(part, whole) == pytest.approx((interval.low, interval.high), abs=1e-12)
