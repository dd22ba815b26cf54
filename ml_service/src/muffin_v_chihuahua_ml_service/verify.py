"""The proof that a bundle sees and answers the same wherever it is used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast

import anyio
import numpy as np
from numpy.typing import NDArray

from .errors import InvalidBundle
from .model.bundle import EngineName, GoldenPicture, ModelBundle, Precision
from .model.engines import Candidate, Engine, find_candidates
from .model.predictor import Predictor, load_predictor
from .model.preprocessing import array_digest
from .serving.inference import InferenceService
from .settings import Settings, usable_cores
from .training.data.pictures import training_picture


@dataclass(frozen=True)
class Verified:
    """What was proven."""

    arrays: dict[str, str]
    """SHA-256 of the array that a golden picture becomes everywhere, by the picture's file."""
    engines: tuple[Candidate, ...]
    """Those that can run here and gave every golden picture its probabilities."""
    too_coarse: tuple[str, ...]
    """Why a precision that the bundle does not vouch for is left out here, a sentence each."""


def verify_bundle(bundle: ModelBundle) -> Verified:
    """Prove it, or say what differs.

    Raises:
        InvalidBundle: a golden picture becomes another array in training, in the service or on the command
            line than the manifest says, or an engine gives it other probabilities.
        EngineUnavailable: nothing that is installed can run the bundle.
    """
    arrays = {golden.file: _same_everywhere(bundle, golden) for golden in bundle.manifest.golden}
    proven, too_coarse = [], []
    for candidate in find_candidates(bundle).candidates:
        try:
            load_predictor(bundle, candidate.engine, candidate.precision, threads=usable_cores())
        except InvalidBundle as error:
            # f32 and int8 were measured when the bundle was built, bf16 is tried wherever a processor has it
            if candidate.precision != "bf16":
                raise
            too_coarse.append(str(error))
        else:
            proven.append(candidate)
    return Verified(arrays, tuple(proven), tuple(too_coarse))


def _same_everywhere(bundle: ModelBundle, golden: GoldenPicture) -> str:
    data = (bundle.folder / golden.file).read_bytes()
    found = {where: array_digest(array) for where, array in _arrays(bundle, data)}
    if golden.array_sha256 is not None:
        found["the manifest"] = golden.array_sha256
    if len(set(found.values())) > 1:
        said = ", ".join(f"{where} {digest[:12]}…" for where, digest in found.items())
        raise InvalidBundle(f"{bundle.folder / golden.file}: is not the same array everywhere ({said}).")
    return found["training"]


def _arrays(bundle: ModelBundle, data: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """What an engine would get of a picture, on each of the three ways to it."""
    yield "training", training_picture(data, bundle.manifest.preprocessing)
    yield "the service", _seen(bundle, lambda predictor: anyio.run(_serve, predictor, data))
    yield "the command line", _seen(bundle, lambda predictor: predictor.predict(data))


def _seen(bundle: ModelBundle, ask: Callable[[Predictor], object]) -> NDArray[np.float32]:
    engine = _Recorder(len(bundle.manifest.labels))
    ask(Predictor(bundle, cast("Engine", engine)))  # nobody asks it to explain
    [array] = engine.batches[0]
    return np.asarray(array)


async def _serve(predictor: Predictor, data: bytes) -> None:
    service = InferenceService(Settings(), decoders=1)
    await service.models.load(lambda: predictor)
    await service.predict(data)


class _Recorder:
    """An engine that keeps what it is given and finds all labels equally likely."""

    name: Final[EngineName] = "litert"
    precision: Final[Precision] = "f32"
    streams: Final = 1
    max_batch: Final = 1

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.batches: list[NDArray[np.float32]] = []

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch)
        return np.full((len(batch), self._labels), 1 / self._labels, dtype=np.float32)
