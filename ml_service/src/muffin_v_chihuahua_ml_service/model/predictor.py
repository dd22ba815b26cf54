"""A bundle and an engine, checked against the golden pictures and ready to answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidBundle
from ..settings import DEFAULT_MAX_PIXELS, EngineChoice
from .bundle import Calibration, GoldenPicture, ModelBundle
from .engines import Engine, load_engine
from .preprocessing import preprocess

UNSURE = "unsure"
"""The verdict where the winner's probability is under the threshold of its label."""

_RUNTIME_ERRORS = (ValueError, TypeError, RuntimeError, OSError)
"""What the engines raise where a network is damaged or has other shapes than expected."""


@dataclass(frozen=True)
class LabelProbability:
    """A label with its calibrated probability in [0, 1]."""

    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture: all labels, best first, adding up to 1, and the verdict drawn from them."""

    verdict: str
    predictions: tuple[LabelProbability, ...]


class Predictor:
    """Answers with one bundle; ``preprocess`` may run in many threads at once, ``predict_batch`` in one."""

    def __init__(self, bundle: ModelBundle, engine: Engine, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        """Take a bundle and its loaded engine; ``load_predictor`` also checks them."""
        self.bundle = bundle
        self.engine_name = engine.name
        self._engine = engine
        self._max_pixels = max_pixels

    def preprocess(self, data: bytes) -> NDArray[np.float32]:
        """A picture's bytes to float32 [height, width, 3] in [0, 255]; raises what ``preprocess`` raises."""
        return preprocess(data, self.bundle.manifest.preprocessing, max_pixels=self._max_pixels)

    def predict(self, data: bytes) -> Prediction:
        """The prediction for one picture's bytes; raises what ``preprocess`` raises."""
        return self.predict_batch([self.preprocess(data)])[0]

    def predict_batch(self, pictures: Sequence[NDArray[np.float32]]) -> list[Prediction]:
        """One prediction a picture, in order; each picture as ``preprocess`` returns it."""
        return [self._prediction(row) for row in self._engine.run(np.stack(pictures))]

    def _prediction(self, probabilities: NDArray[np.float32]) -> Prediction:
        manifest = self.bundle.manifest
        best_first = np.argsort(-probabilities, kind="stable")
        ranked = tuple(LabelProbability(manifest.labels[i], float(probabilities[i])) for i in best_first)
        return Prediction(_verdict(ranked[0], manifest.calibration), ranked)


def _verdict(winner: LabelProbability, calibration: Calibration) -> str:
    threshold = calibration.thresholds.get(winner.label)
    sure = threshold is None or winner.probability >= threshold.at_least
    return winner.label if sure else UNSURE


def load_predictor(
    bundle: ModelBundle,
    engine: EngineChoice = "auto",
    *,
    threads: int,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Predictor:
    """Load the bundle's network and let it prove itself on the golden pictures, which also warms it up.

    Raises:
        EngineUnavailable: no engine can run the bundle.
        InvalidBundle: the engine cannot run the bundle's artefact as the manifest describes it, or a golden
            picture got other probabilities than the manifest says.
    """
    try:
        loaded = load_engine(bundle, engine, threads=threads)
        for golden in bundle.manifest.golden:
            _check(bundle, loaded, golden)
    except _RUNTIME_ERRORS as error:
        reason = str(error).partition("\n")[0]
        raise InvalidBundle(f"{bundle.folder}: the network cannot be loaded or run ({reason}).") from error
    return Predictor(bundle, loaded, max_pixels=max_pixels)


def _check(bundle: ModelBundle, engine: Engine, golden: GoldenPicture) -> None:
    manifest = bundle.manifest
    picture = preprocess((bundle.folder / golden.file).read_bytes(), manifest.preprocessing)
    got = engine.run(picture[np.newaxis])[0].reshape(len(manifest.labels))
    # Not-a-number is close to nothing, so an engine that lost its weights is refused as well.
    if not np.allclose(got, golden.probabilities, rtol=0, atol=manifest.golden_tolerance):
        worst = int(np.abs(got - golden.probabilities).argmax())
        raise InvalidBundle(
            f"{bundle.folder / golden.file}: {engine.name} answers {got[worst]:.4f} for "
            f"{manifest.labels[worst]!r} where the manifest expects {golden.probabilities[worst]:.4f}; "
            "the bundle and this engine do not belong together."
        )
