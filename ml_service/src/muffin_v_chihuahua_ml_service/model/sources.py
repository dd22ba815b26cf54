"""Where bundles come from: a folder, or a model wheel that is installed."""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelNotFound
from .bundle import MANIFEST, ModelBundle

ENTRY_POINTS = "muffin_v_chihuahua.models"
"""The group in which a model wheel names the package that holds its bundle."""


def open_bundle(source: str | None) -> ModelBundle:
    """The bundle that ``source`` leads to, all its files checked.

    Args:
        source: a folder, the name of an installed model, or None for the only model that is installed.

    Raises:
        ModelNotFound: there is none, or None was given and several are installed.
        InvalidBundle: what was found cannot be trusted.
    """
    if source is not None and (Path(source) / MANIFEST).is_file():
        return ModelBundle.read(Path(source))
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return ModelBundle.read(_folder(_choose(source, installed)))


def _choose(source: str | None, installed: dict[str, EntryPoint]) -> EntryPoint:
    names = ", ".join(sorted(installed)) or "none"
    if source is None and len(installed) == 1:
        return next(iter(installed.values()))
    if source is None:
        raise ModelNotFound(
            f"Say which model with --model or ML_SERVICE_MODEL: a folder, or an installed one ({names})."
        )
    if source not in installed:
        raise ModelNotFound(
            f"{source!r} is neither a folder with a {MANIFEST} nor an installed model (installed: {names})."
        )
    return installed[source]


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
