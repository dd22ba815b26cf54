"""What a bundle says to pictures that show none of its classes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ...errors import InvalidDataset
from ...model.pictures.opening import FORMATS
from ...model.predictor import UNSURE, Predictor
from .answers import predict_files


def measure_outside(predictor: Predictor, folders: Sequence[Path]) -> dict[str, Any]:
    """For each folder, by its name, the share of its pictures that got each verdict.

    Args:
        predictor: what answers.
        folders: pictures, at any depth; what their own folders are called does not matter.

    Raises:
        InvalidDataset: a folder has no pictures, or one that the service refuses.
    """
    return {folder.resolve().name: _verdicts(predictor, folder) for folder in folders}


def _verdicts(predictor: Predictor, folder: Path) -> dict[str, Any]:
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes]
    if not paths:
        raise InvalidDataset(f"{folder}: there is no picture in it.")
    found = predict_files(predictor, paths, f"{folder.name} ({len(paths)} pictures)")
    verdicts = Counter(prediction.verdict for prediction, _ in found)
    labels = predictor.bundle.manifest.labels
    return {
        "pictures": len(paths),
        "verdicts": {verdict: verdicts[verdict] / len(paths) for verdict in (UNSURE, *labels)},
    }
