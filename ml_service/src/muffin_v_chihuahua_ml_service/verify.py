"""The proof that a bundle sees and answers the same wherever it is used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import anyio
import numpy as np
from numpy.typing import NDArray

from .errors import InvalidBundle
from .model.bundle import EngineName, GoldenPicture, ModelBundle
from .model.engines import RUNTIMES
from .model.predictor import Predictor, load_predictor
from .model.preprocessing import array_digest
from .serving.inference import InferenceService
from .settings import usable_cores
from .training.data.pictures import training_picture


@dataclass(frozen=True)
class Verified:
    """What was proven."""

    arrays: dict[str, str]
    """SHA-256 of the array that a golden picture becomes everywhere, by the picture's file."""
    engines: tuple[EngineName, ...]
    """Those that are installed and gave every golden picture its probabilities."""


def verify_bundle(bundle: ModelBundle) -> Verified:
    """Prove it, or say what differs.

    Raises:
        InvalidBundle: a golden picture becomes another array in training, in the service or on the command
            line than the manifest says, or an engine gives it other probabilities.
    """
    arrays = {golden.file: _same_everywhere(bundle, golden) for golden in bundle.manifest.golden}
    installed = tuple(name for name in bundle.manifest.artefacts if find_spec(RUNTIMES[name]) is not None)
    for engine in installed:
        load_predictor(bundle, engine, threads=usable_cores())
    return Verified(arrays, installed)


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
    ask(Predictor(bundle, engine))
    [array] = engine.batches[0]
    return np.asarray(array)


async def _serve(predictor: Predictor, data: bytes) -> None:
    service = InferenceService(decoders=1)
    await service.load(lambda: predictor)
    await service.predict(data)


class _Recorder:
    """An engine that keeps what it is given and finds all labels equally likely."""

    name: Final[EngineName] = "litert"

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self.batches: list[NDArray[np.float32]] = []

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch)
        return np.full((len(batch), self._labels), 1 / self._labels, dtype=np.float32)
