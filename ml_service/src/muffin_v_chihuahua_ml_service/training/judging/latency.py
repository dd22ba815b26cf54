"""How long one picture takes."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ...model.predictor import Predictor
from ..data.dataset import Sample

_WARM_UP = 3
"""The first pictures after a batch of another size, or after nothing, take longer; they are not counted."""

_Result = TypeVar("_Result")


def measure_latency(predictor: Predictor, samples: Sequence[Sample]) -> dict[str, Any]:
    """Milliseconds of decoding and of inference, one picture at a time, on this machine as busy as it is now.

    Args:
        predictor: what answers.
        samples: the pictures; at least one.
    """
    contents = [sample.path.read_bytes() for sample in samples]
    for content in (contents * _WARM_UP)[:_WARM_UP]:
        predictor.predict(content)
    decoded = [_timed(partial(predictor.preprocess, content)) for content in contents]
    answered = [_timed(partial(predictor.predict_batch, [picture])) for picture, _ in decoded]
    return {
        "engine": predictor.engine_name,
        "precision": predictor.precision,
        "pictures": len(samples),
        "decode_ms": _percentiles([took for _, took in decoded]),
        "inference_ms": _percentiles([took for _, took in answered]),
    }


def _timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    begin = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - begin) * 1000


def _percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}
