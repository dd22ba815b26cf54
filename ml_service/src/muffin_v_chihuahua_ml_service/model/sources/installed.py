"""Bundles in model wheels that are installed."""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from ...errors import ModelNotFound
from ..bundle import MANIFEST, ModelBundle

ENTRY_POINTS = "muffin_v_chihuahua.models"
"""The group in which a model wheel names the package that holds its bundle."""


def open_installed(name: str | None) -> ModelBundle:
    """The installed model of that name, or for None the only one.

    Raises:
        ModelNotFound: there is none, or None was given and several are installed.
        InvalidBundle: what was found cannot be trusted.
    """
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return ModelBundle.read(_folder(_choose(name, installed)))


def _choose(name: str | None, installed: dict[str, EntryPoint]) -> EntryPoint:
    names = ", ".join(sorted(installed)) or "none"
    if name is None and len(installed) == 1:
        return next(iter(installed.values()))
    if name is None:
        raise ModelNotFound(
            f"Say which model with --model or ML_SERVICE_MODEL: a folder, an archive, an address, or an "
            f"installed one ({names})."
        )
    if name not in installed:
        raise ModelNotFound(
            f"{name!r} is neither a folder with a {MANIFEST} nor an installed model (installed: {names})."
        )
    return installed[name]


def _folder(point: EntryPoint) -> Path:
    # The wheel holds data only, so its package is found but never imported.
    try:
        spec = find_spec(point.value)
    except ModuleNotFoundError:  # a package inside a package that is not there either
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound(
            f"The model {point.name!r} names the package {point.value!r}, which is not there."
        )
    return Path(spec.submodule_search_locations[0])
