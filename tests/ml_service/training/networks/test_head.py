import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.training.networks.head import fit_head


def clouds(labels: int, sizes: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features [N, 4] around a corner for each class, in channels of different scale and offset."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(labels), sizes)
    features = np.eye(4)[classes] + rng.normal(0, 0.2, (len(classes), 4))
    return (features * [1, 10, 100, 1000] + [5, 0, -50, 0]).astype(np.float32), classes


@pytest.mark.parametrize(
    ("labels", "sizes"), [(2, [60, 60]), (3, [60, 60, 60]), (2, [200, 10]), (3, [100, 10, 10])]
)
def test_a_head_tells_classes_apart_and_the_rare_as_well_as_the_frequent(
    labels: int, sizes: list[int]
) -> None:
    features, classes = clouds(labels, sizes)

    head = fit_head(features, classes)

    assert head.kernel.shape == (4, labels)
    assert head.bias.shape == (labels,)
    right = head.logits(features).argmax(axis=1) == classes
    assert all(right[classes == label].mean() > 0.95 for label in range(labels))


def test_a_channel_that_never_varies_counts_for_nothing() -> None:
    features, classes = clouds(2, [60, 60])
    features[:, 3] = 7

    head = fit_head(features, classes)

    assert np.isfinite(head.kernel).all()
    assert head.kernel[3] == pytest.approx(0, abs=1e-6)
