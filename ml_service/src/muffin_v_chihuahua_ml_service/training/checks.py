"""What a bundle promises of its engines, tried on each of them."""

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidBundle
from ..model.bundle import ModelBundle
from ..model.engines import CANDIDATES
from ..model.predictor import Predictor, load_predictor
from ..settings import usable_cores

_MAPS_APART = 0.01
"""How far an engine's activation maps may be from the reference's, in shares of the farthest from 0."""


def check_engines(bundle: ModelBundle) -> None:
    """Let every engine that the bundle has an artefact for answer the golden pictures, whatever is fastest.

    Where the bundle declares activation maps, each must also explain one of them as the reference does.

    In bf16, whoever serves the bundle tries for themselves.

    Raises:
        InvalidBundle: an engine does not answer as the manifest's golden pictures say, or sees it elsewhere.
        EngineUnavailable: an engine is not installed, so nobody knows what it would answer.
    """
    loaded = [
        load_predictor(bundle, each.engine, each.precision, threads=usable_cores())
        for each in CANDIDATES
        if each.precision != "bf16" and bundle.artefact(each.engine, each.precision) is not None
    ]
    exact = [each for each in loaded if each.precision == "f32" and each.has_activation_maps]
    for each in exact:
        _check_maps(each, exact[-1])


def _check_maps(predictor: Predictor, reference: Predictor) -> None:
    found, expected = _maps(predictor), _maps(reference)
    if not np.allclose(found, expected, rtol=0, atol=_MAPS_APART * float(np.abs(expected).max())):
        raise InvalidBundle(
            f"{predictor.bundle.folder}: {predictor.engine_name} makes other activation maps than "
            f"{reference.engine_name}; the bundle and this engine do not belong together."
        )


def _maps(predictor: Predictor) -> NDArray[np.float32]:
    golden = predictor.bundle.folder / predictor.bundle.manifest.golden[0].file
    return predictor.explain(predictor.preprocess(golden.read_bytes())).maps
