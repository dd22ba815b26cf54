from muffin_v_chihuahua_ml_service.training.judging.proportions import share
from muffin_v_chihuahua_ml_service.training.judging.report.wording import interval, percent, with_interval


def test_a_share_is_a_percentage_with_its_interval() -> None:
    assert percent(0.98393) == "98.4%"
    assert percent(0.98393, 2) == "98.39%"
    assert interval([0.9714, 1.0]) == "97.1-100.0%"
    assert with_interval(share("recall", 29, 30), "recall") == "96.7% (83.3-99.4%)"


def test_a_share_of_nothing_is_a_dash() -> None:
    assert (percent(None), interval(None), with_interval(share("recall", 0, 0), "recall")) == ("-", "-", "-")
