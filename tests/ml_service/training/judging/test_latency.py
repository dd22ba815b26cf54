import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.latency import measure_latency

Pictures = NDArray[np.float32]


@pytest.fixture
def slow(make_predictor: Callable[..., Predictor]) -> tuple[Predictor, list[int]]:
    """A predictor that needs 20 ms for a batch but 300 ms for the first, and the sizes of its batches."""
    sizes: list[int] = []

    def run(batch: Pictures) -> Pictures:
        time.sleep(0.02 if sizes else 0.3)
        sizes.append(len(batch))
        return np.full((len(batch), 2), 0.5, dtype=np.float32)

    return make_predictor(run), sizes


def test_each_picture_is_timed_alone_after_a_warm_up(
    slow: tuple[Predictor, list[int]], samples: list[Sample]
) -> None:
    predictor, sizes = slow

    measured = measure_latency(predictor, samples[:5])

    assert sizes == [1] * (3 + 5)
    assert (measured["engine"], measured["precision"], measured["pictures"]) == ("litert", "f32", 5)
    assert 20 <= measured["inference_ms"]["p50"] <= measured["inference_ms"]["p95"] < 300
    assert 0 < measured["decode_ms"]["p50"] <= measured["decode_ms"]["p95"]


def test_a_single_picture_warms_up_and_is_timed(
    slow: tuple[Predictor, list[int]], samples: list[Sample]
) -> None:
    predictor, sizes = slow

    assert measure_latency(predictor, samples[:1])["inference_ms"]["p95"] < 300
    assert len(sizes) == 3 + 1
