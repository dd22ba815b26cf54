"""Keras files that do not say when and where they were made: the same network, the same digest, no padding.

What Keras 3 writes besides the network: the date, into the metadata and the archive; in names such as
``functional_3``, how many of a kind the process has made; in ``shared_object_id``, an address in memory.

It also compresses nothing. HDF5's own filters, which every reader undoes, make a network of float32 a fifth
smaller and lose nothing: signs and exponents repeat, once they lie side by side.
"""

import io
import json
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras

_CIRCUMSTANCES = ("date_saved", "shared_object_id")
"""The second marks what is shared, but Keras 3.15 does not mark the first of it, so loading cannot use it."""

_LARGE = 256
"""Numbers in an array that is worth compressing: what HDF5 notes about a chunk outgrows a smaller one."""


def save_reproducibly(model: keras.Model, path: Path) -> None:
    """Write the model as a ``.keras`` file whose bytes follow from its configuration and weights alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _counted_within_itself(model):
            keras.saving.save_model(model, folder, zipped=False)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                # A ZipInfo of its own has the format's first date, 1980.
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())
                archive.writestr(entry, _timeless(file), zipfile.ZIP_DEFLATED)


@contextmanager
def _counted_within_itself(model: keras.Model) -> Iterator[None]:
    """Inside, the names that Keras made up count from the model's first layer, not from the process's."""
    names = {part: part.name for part in _parts(model)}
    seen: Counter[str] = Counter()
    for part, name in names.items():
        kind = re.sub(r"_\d+$", "", name)
        if kind.replace("_", "") == type(part).__name__.replace("_", "").lower():
            part.name = f"{kind}_{seen[kind]}" if seen[kind] else kind
            seen[kind] += 1
    try:
        yield
    finally:
        for part, name in names.items():
            part.name = name


def _parts(model: keras.Model) -> Iterator[Any]:
    """Whatever has a name in the file: models, layers, operations that are no layers, the optimizer."""
    for layer in model._flatten_layers():  # noqa: SLF001 - `layers` leaves out a Sequential's input
        yield layer
        yield from getattr(layer, "operations", ())
    if model.compiled:
        yield model.optimizer


def _timeless(file: Path) -> bytes:
    if file.suffix == ".h5":
        return _compact(file)
    if file.suffix != ".json":
        return file.read_bytes()
    return json.dumps(json.loads(file.read_bytes(), object_hook=_without_circumstances)).encode()


def _without_circumstances(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in _CIRCUMSTANCES}


def _compact(weights: Path) -> bytes:
    """The same HDF5 file, each large array shuffled and deflated."""
    content = io.BytesIO()
    with h5py.File(weights) as plain, h5py.File(content, "w") as compact:

        def copy(name: str, node: "h5py.Group | h5py.Dataset") -> None:
            if isinstance(node, h5py.Group):
                copied = compact.require_group(name)
            elif node.size < _LARGE:
                copied = compact.create_dataset(name, data=node[()])
            else:
                filters = {"shuffle": True, "compression": "gzip", "compression_opts": 4}
                copied = compact.create_dataset(name, data=node[()], chunks=node.shape, **filters)
            copied.attrs.update(node.attrs)

        compact.attrs.update(plain.attrs)
        plain.visititems(copy)
    return content.getvalue()
