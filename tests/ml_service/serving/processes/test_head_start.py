import gc
import threading
import weakref
from collections.abc import Callable
from time import perf_counter

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.processes.head_start import HeadStart

Make = Callable[..., Predictor]


def test_a_load_begins_before_anybody_asks(make_predictor: Make) -> None:
    predictor, begun = make_predictor(), threading.Event()

    def load() -> Predictor:
        begun.set()
        return predictor

    before = perf_counter()
    head_start = HeadStart(load)

    assert begun.wait(timeout=30)
    assert before <= head_start.began <= perf_counter()
    assert head_start() is predictor


def test_whoever_asks_again_gets_another_one(make_predictor: Make) -> None:
    predictors = [make_predictor(), make_predictor()]
    left = iter(predictors)

    head_start = HeadStart(lambda: next(left))

    assert [head_start(), head_start()] == predictors


def test_what_the_load_raises_is_for_who_asks() -> None:
    def load() -> Predictor:
        raise InvalidBundle("model.json: is not there.")

    head_start = HeadStart(load)

    with pytest.raises(InvalidBundle, match="is not there"):
        head_start()


def test_it_does_not_hold_what_it_has_given_away(make_predictor: Make) -> None:
    head_start = HeadStart(make_predictor)
    given = weakref.ref(head_start())
    gc.collect()

    assert given() is None
