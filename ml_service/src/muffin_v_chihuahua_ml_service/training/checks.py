"""What a bundle promises of its engines, tried on each of them."""

from ..model.bundle import ModelBundle
from ..model.engines import CANDIDATES
from ..model.predictor import load_predictor
from ..settings import usable_cores


def check_engines(bundle: ModelBundle) -> None:
    """Let every engine that the bundle has an artefact for answer the golden pictures, whatever is fastest.

    In bf16, whoever serves the bundle tries for themselves.

    Raises:
        InvalidBundle: an engine does not answer as the manifest's golden pictures say.
        EngineUnavailable: an engine is not installed, so nobody knows what it would answer.
    """
    for each in CANDIDATES:
        if each.precision != "bf16" and bundle.artefact(each.engine, each.precision) is not None:
            load_predictor(bundle, each.engine, each.precision, threads=usable_cores())
