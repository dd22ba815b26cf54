"""What a person says of labels that are wrong: a file that is kept beside the training's configuration.

CSV with the columns ``sha256``, ``label`` and, for the reader, anything else. A picture without a label is
left out: it shows none of the classes well enough to learn from.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import InvalidDataset

Corrections = Mapping[str, str | None]

_DIGEST = re.compile("[0-9a-f]{64}")


def read_corrections(path: Path | None) -> dict[str, str | None]:
    """What pictures really show, by the SHA-256 of their content; None for those that are left out.

    Without a file, nothing is corrected.

    Raises:
        InvalidDataset: the file cannot be read, has other columns, or says two things of one picture.
    """
    if path is None:
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDataset(f"{path}: the corrections cannot be read ({error}).") from error
    corrections: dict[str, str | None] = {}
    for line, row in enumerate(rows, start=2):
        digest, label = row.get("sha256") or "", row.get("label")
        if not _DIGEST.fullmatch(digest) or label is None:
            raise InvalidDataset(f"{path}, line {line}: expected a SHA-256 in `sha256` and a `label`.")
        if digest in corrections:
            raise InvalidDataset(f"{path}, line {line}: {digest} was corrected on an earlier line.")
        corrections[digest] = label or None
    return corrections
