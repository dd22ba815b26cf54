"""A bundle and an engine, checked against the golden pictures and ready to answer."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineUnavailable, InvalidBundle
from ..settings import DEFAULT_LIMITS, EngineChoice, PictureLimits, PrecisionChoice
from .bundle import Calibration, GoldenPicture, Manifest, ModelBundle, Precision
from .engines import Candidate, Engine, find_candidates, load_candidate
from .explaining.activation import activation_maps, read_head
from .pictures.memory import MemoryBudget
from .preprocessing import Prepared, prepare, preprocess

UNSURE = "unsure"
"""The verdict where the winner's probability is under the threshold of its label."""

BF16_TOLERANCE = 0.2
"""How far probabilities in bf16, numbers of 8 significant bits, may be from those in f32.

On 1672 photographs that the default model was not trained on, 99 % were within 0.036 and all within 0.17.
"""

_log = logging.getLogger(__name__)

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


@dataclass(frozen=True)
class Explained:
    """A prediction, and what each place of the picture says for each label: float32 [height, width, labels].

    Above 0, a place speaks for the label; the maps are as coarse as the network's, not as the picture.
    """

    prediction: Prediction
    maps: NDArray[np.float32]


class Predictor:
    """Answers with one bundle; any thread may ``preprocess``, ``streams`` at once may ``predict_batch``."""

    def __init__(
        self,
        bundle: ModelBundle,
        engine: Engine,
        *,
        threads: int = 1,
        batch_size: int | None = None,
        limits: PictureLimits = DEFAULT_LIMITS,
    ) -> None:
        """Take a bundle and its loaded engine; ``load_predictor`` also checks them."""
        self.bundle = bundle
        self.engine_name = engine.name
        self.precision = engine.precision
        self.streams = engine.streams
        self.threads = threads
        self.max_batch = batch_size or engine.max_batch
        self.tolerance = tolerance(bundle.manifest, engine.precision)
        self._engine = engine
        self._head = read_head(bundle)
        self._limits = limits
        self._budget = MemoryBudget(limits.memory)

    def preprocess(self, data: bytes) -> NDArray[np.float32]:
        """A picture's bytes to float32 [height, width, 3] in [0, 255]; raises what ``preprocess`` raises."""
        return self.prepare(data).array

    def prepare(self, data: bytes) -> Prepared:
        """The same with the size that the picture had."""
        return prepare(data, self.bundle.manifest.preprocessing, self._limits, self._budget)

    def predict(self, data: bytes) -> Prediction:
        """The prediction for one picture's bytes; raises what ``preprocess`` raises."""
        return self.predict_batch([self.preprocess(data)])[0]

    def predict_batch(self, pictures: Sequence[NDArray[np.float32]]) -> list[Prediction]:
        """One prediction a picture, in order; each picture as ``preprocess`` returns it."""
        return [_prediction(self.bundle.manifest, row) for row in self._engine.run(np.stack(pictures))]

    @property
    def has_activation_maps(self) -> bool:
        """Whether it can ``explain``."""
        return self._head is not None

    def explain(self, picture: NDArray[np.float32]) -> Explained:
        """The prediction for a picture as ``preprocess`` returns it, with where in it each label is seen."""
        assert self._head is not None, "the bundle has no activation maps"  # noqa: S101 - a fault of the caller
        probabilities, features = self._engine.explain(picture[np.newaxis])
        prediction = _prediction(self.bundle.manifest, probabilities[0])
        return Explained(prediction, activation_maps(features[0], self._head))

    def again(self) -> "Predictor":
        """Another of the same: bundle, engine and precision, loaded and checked anew.

        Raises:
            InvalidBundle: the bundle's files are not what they were.
        """
        bundle = ModelBundle.read(self.bundle.folder)
        if bundle.digest != self.bundle.digest:
            raise InvalidBundle(
                f"{bundle.folder}: is another bundle than the one that was loaded; reload the model."
            )
        return load_predictor(
            bundle,
            self.engine_name,
            self.precision,
            threads=self.threads,
            streams=self.streams,
            batch_size=self.max_batch,
            limits=self._limits,
        )


def tolerance(manifest: Manifest, precision: Precision) -> float:
    """How far probabilities in this precision may be from the manifest's."""
    if precision == "int8" and manifest.quantised is not None:
        return manifest.quantised.tolerance
    return BF16_TOLERANCE if precision == "bf16" else manifest.golden_tolerance


def _prediction(manifest: Manifest, probabilities: NDArray[np.float32]) -> Prediction:
    best_first = np.argsort(-probabilities, kind="stable")
    ranked = tuple(LabelProbability(manifest.labels[i], float(probabilities[i])) for i in best_first)
    return Prediction(_verdict(ranked[0], manifest.calibration), ranked)


def _verdict(winner: LabelProbability, calibration: Calibration) -> str:
    threshold = calibration.thresholds.get(winner.label)
    sure = threshold is None or winner.probability >= threshold.at_least
    return winner.label if sure else UNSURE


def load_predictor(  # noqa: PLR0913 - what can be set of it
    bundle: ModelBundle,
    engine: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    *,
    threads: int,
    streams: int = 1,
    batch_size: int | None = None,
    limits: PictureLimits = DEFAULT_LIMITS,
) -> Predictor:
    """Load the bundle's network and let it prove itself on the golden pictures, which also warms it up.

    Where the choice is free, the fastest engine and precision that prove themselves are taken.

    Raises:
        EngineUnavailable: no engine can run the bundle.
        InvalidBundle: no engine can run the bundle's artefact as the manifest describes it, or a golden
            picture got other probabilities than the manifest says.
    """
    found = find_candidates(bundle, engine, precision)
    *others, last = found.candidates
    for candidate in others:
        try:
            loaded = _proven(bundle, candidate, threads, streams)
        except (InvalidBundle, EngineUnavailable) as error:
            _log.warning("%s is left out: %s", candidate, error)
        else:
            break
    else:
        candidate, loaded = last, _proven(bundle, last, threads, streams)
    _log.info(
        "%s runs the network, measured at %.1f times the speed of onnxruntime in f32; left out before it: %s",
        candidate,
        candidate.speed,
        "; ".join(found.faster_than(candidate)) or "none",
    )
    try:
        return Predictor(bundle, loaded, threads=threads, batch_size=batch_size, limits=limits)
    except _RUNTIME_ERRORS as error:
        raise InvalidBundle(f"{bundle.folder}: the head cannot be read ({error}).") from error


def _proven(bundle: ModelBundle, candidate: Candidate, threads: int, streams: int) -> Engine:
    """The engine, loaded, once it gave the golden pictures their answers."""
    try:
        engine = load_candidate(bundle, candidate, threads=threads, streams=streams)
        for golden in bundle.manifest.golden:
            _check(bundle, engine, golden)
    except _RUNTIME_ERRORS as error:
        reason = str(error).partition("\n")[0]
        raise InvalidBundle(f"{bundle.folder}: the network cannot be loaded or run ({reason}).") from error
    return engine


def _check(bundle: ModelBundle, engine: Engine, golden: GoldenPicture) -> None:
    manifest, expected = bundle.manifest, np.array(golden.probabilities, dtype=np.float32)
    path = bundle.folder / golden.file
    picture = preprocess(path.read_bytes(), manifest.preprocessing)
    got = engine.run(picture[np.newaxis])[0].reshape(len(manifest.labels))
    # Not-a-number is close to nothing, so an engine that lost its weights is refused as well.
    if not np.allclose(got, expected, rtol=0, atol=tolerance(manifest, engine.precision)):
        worst = int(np.abs(got - expected).argmax())
        raise InvalidBundle(
            f"{path}: {engine.name} in {engine.precision} answers {got[worst]:.4f} for "
            f"{manifest.labels[worst]!r} where the manifest expects {expected[worst]:.4f}; "
            "the bundle and this engine do not belong together."
        )
    verdict, right = (_prediction(manifest, each).verdict for each in (got, expected))
    if engine.precision != "f32" and verdict != right:
        raise InvalidBundle(
            f"{path}: is {verdict!r} to {engine.name} in {engine.precision} and {right!r} in f32."
        )
