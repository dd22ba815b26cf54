"""The folder that keeps fetched bundles, each under its digest, and which source last led to which."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import InvalidBundle, ModelNotFound
from ..bundle import MANIFEST, ModelBundle

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BundleCache:
    """``bundles/<digest>/`` and ``sources/<hash of the source>`` below a folder.

    Processes share it without a lock: what appears in it is complete, since it is renamed into place, and
    nothing is taken away.
    """

    folder: Path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder to prepare something in, on the cache's own disk, that is removed afterwards.

        Raises:
            ModelNotFound: the disk refused; the sentence says what to set.
        """
        try:
            incoming = self.folder / "incoming"
            incoming.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=incoming) as folder:
                yield Path(folder)
        except OSError as error:
            raise ModelNotFound(
                f"{error.filename or self.folder}: no model can be kept here ({error.strerror or error}); "
                "ML_SERVICE_CACHE names another folder."
            ) from error

    def find(self, digest: str) -> ModelBundle | None:
        """The bundle of that digest, or None where it is not there or damaged."""
        folder = self._place_of(digest)
        if not (folder / MANIFEST).is_file():
            return None
        try:
            bundle = ModelBundle.read(folder)
        except InvalidBundle as error:
            _log.warning("The kept model is not used: %s", error)
            return None
        return bundle if bundle.digest == digest else None

    def keep(self, bundle: ModelBundle) -> ModelBundle:
        """The same bundle in its place, where another process may have put it at the same time.

        What is damaged there is mended file by file, each in one step, so that whoever reads meanwhile finds
        every file, and whoever mends at the same time writes the same.
        """
        place = self._place_of(bundle.digest)
        place.parent.mkdir(exist_ok=True)
        try:
            bundle.folder.rename(place)
        except OSError:  # something is there: as good as ours, or damaged
            if there := self.find(bundle.digest):
                return there
            for name in (*bundle.manifest.files, MANIFEST):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (bundle.folder / name).replace(place / name)
        return replace(bundle, folder=place)

    def remember(self, source: str, digest: str) -> None:
        """Note that the source led to this bundle; ``source`` is hashed, because it may hold a password."""
        record = self._record_of(source)
        with self.scratch() as scratch:
            record.parent.mkdir(exist_ok=True)
            note = scratch / record.name
            note.write_text(digest)
            note.replace(record)

    def last_from(self, source: str) -> ModelBundle | None:
        """The bundle that the source led to the last time, or None."""
        record = self._record_of(source)
        return self.find(record.read_text()) if record.is_file() else None

    def _place_of(self, digest: str) -> Path:
        return self.folder / "bundles" / digest.removeprefix("sha256:")

    def _record_of(self, source: str) -> Path:
        return self.folder / "sources" / hashlib.sha256(source.encode()).hexdigest()
