import pytest

from muffin_v_chihuahua_ml_service.training.judging.proportions import share


def test_a_share_comes_with_wilsons_interval() -> None:
    # 98.3 to 99.5 is what the field's page says of 1172 of 1183
    assert share("accuracy", 1172, 1183) == {
        "accuracy": pytest.approx(0.9907, abs=1e-4),
        "accuracy_interval": [pytest.approx(0.9834, abs=1e-4), pytest.approx(0.9948, abs=1e-4)],
    }


@pytest.mark.parametrize(("part", "ends"), [(10, (0.722, 1.0)), (0, (0.0, 0.278))])
def test_all_or_nothing_of_a_few_is_not_certain(part: int, ends: tuple[float, float]) -> None:
    assert share("share", part, 10)["share_interval"] == pytest.approx(ends, abs=1e-3)


def test_a_share_of_nothing_is_none() -> None:
    assert share("recall", 0, 0) == {"recall": None, "recall_interval": None}
