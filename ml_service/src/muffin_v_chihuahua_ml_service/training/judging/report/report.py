"""An evaluation in a folder: numbers for programs, pictures for people."""

import json
from pathlib import Path
from typing import Any

from ....model.bundle import ModelBundle
from ..evaluate import Evaluation
from .contact_sheet import contact_sheet
from .figures import confusion_figure, coverage_figure, reliability_figure

_FIGURES = {"confusion": confusion_figure, "reliability": reliability_figure, "coverage": coverage_figure}


def write_report(evaluation: Evaluation, bundle: ModelBundle, out: Path) -> list[Path]:
    """Write ``evaluation.json`` with its pictures, and ``comparison.json`` where there was another bundle.

    ``mistakes.jpg`` shows pictures of the data set, so it goes where the user says and never into a bundle.

    Returns:
        What was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("comparison.json", "mistakes.jpg"):  # from an evaluation that had them
        (out / name).unlink(missing_ok=True)
    mistakes = evaluation.mistakes()
    written = [
        _write_json(
            out / "evaluation.json",
            {"bundle": _identity(bundle), "measures": evaluation.measures, "mistakes": mistakes},
        )
    ]
    if evaluation.comparison is not None:
        written.append(_write_json(out / "comparison.json", evaluation.comparison))
    for name, draw in _FIGURES.items():
        written.append(out / f"{name}.png")
        draw(evaluation.measures["all"]).savefig(written[-1], dpi=120)
    if mistakes:
        written.append(out / "mistakes.jpg")
        contact_sheet(mistakes).save(written[-1], quality=90)
    return written


def _identity(bundle: ModelBundle) -> dict[str, str]:
    return {"name": bundle.manifest.name, "version": bundle.manifest.version, "digest": bundle.digest}


def _write_json(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path
