"""The file with a recipe's weights: found on this machine, or downloaded once, and checked either way."""

import hashlib
from pathlib import Path

import keras

from ...errors import InvalidWeights
from .recipe import Weights

CACHE_FOLDER = "models"
"""Where Keras Applications keeps its downloads too: what it has fetched is not fetched again."""


def fetch_weights(weights: Weights, folder: Path, cache: Path | None = None) -> Path:
    """The file, which is the one that the recipe names.

    Args:
        weights: what the recipe says.
        folder: the recipe's folder.
        cache: where downloads are kept; unset: Keras's own, ``~/.keras`` or ``KERAS_HOME``.

    Raises:
        InvalidWeights: it is not there, or is another one.
    """
    if weights.is_remote:
        return _download(weights, cache)
    path = folder / weights.source
    if not path.is_file():
        raise InvalidWeights(f"{path}: there are no such weights; the recipe says how they are made.")
    if weights.digest is not None:
        _check(path, weights.digest)
    return path


def _download(weights: Weights, cache: Path | None) -> Path:
    algorithm, _, digest = str(weights.digest).partition(":")
    try:
        return Path(
            keras.utils.get_file(
                origin=weights.source,
                file_hash=digest,
                hash_algorithm=algorithm,
                cache_subdir=CACHE_FOLDER,
                cache_dir=cache,
            )
        )
    except Exception as error:  # a bare Exception is what get_file raises where the server does not answer
        reason = " ".join(str(error).split())
        raise InvalidWeights(
            f"{weights.source}: the weights were not downloaded ({reason}); try again, or put the file into "
            f"{CACHE_FOLDER}/ in Keras's cache (~/.keras, or KERAS_HOME) yourself."
        ) from error


def _check(path: Path, expected: str) -> None:
    algorithm = expected.partition(":")[0]
    with path.open("rb") as file:
        found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if found != expected:
        raise InvalidWeights(f"{path}: is {found}, but the recipe wants {expected}.")
