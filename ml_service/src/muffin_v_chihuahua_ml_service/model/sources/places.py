"""What archives, addresses and registries have in common: files of a bundle that can be fetched by name."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ...errors import InvalidBundle, SourceUnreachable
from ...foreign_errors import client_errors, one_line
from ..bundle import MANIFEST


class Place(Protocol):
    """Somewhere that has a bundle's files."""

    def label(self, name: str) -> str:
        """The file's name in a message."""

    def fetch(self, name: str, target: Path, limit: int) -> None:
        """Write the file of that name to ``target``, and stop where it goes on after ``limit`` bytes.

        Raises:
            FileNotFoundError: there is none.
            SourceUnreachable: nobody answered.
            InvalidBundle: it is damaged, or larger.
        """


def too_large(label: str, limit: int) -> InvalidBundle:
    """What a place raises where a file goes on after its limit."""
    return InvalidBundle(f"{label}: is larger than the {limit} bytes that it may have.")


def bundle_root(names: Iterable[str], where: str) -> str:
    """What stands before the bundle's own names in these: nothing, or a folder and a slash.

    Raises:
        InvalidBundle: there is no manifest, or one in each of several folders.
    """
    roots = sorted(name.removesuffix(MANIFEST) for name in names if f"/{name}".endswith(f"/{MANIFEST}"))
    if "" in roots or len(roots) == 1:
        return roots[0]
    found = f"in {', '.join(roots)}" if roots else "nowhere"
    raise InvalidBundle(f"{where}: a {MANIFEST} should be at its root or in one folder, but is {found}.")


@contextmanager
def reaching(label: str) -> Iterator[None]:
    """What clients raise, as an error of ours; that there is no file stays ``FileNotFoundError``."""
    try:
        yield
    except FileNotFoundError:
        raise
    except client_errors() as error:
        raise SourceUnreachable(f"{label}: cannot be reached ({one_line(error)}).") from error
