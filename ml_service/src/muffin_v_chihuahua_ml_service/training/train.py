"""From folders of pictures to a bundle's source: weights, golden pictures, card and manifest."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import InvalidDataset
from ..model.bundle import CARD, FORMAT_VERSION, ModelBundle, write_manifest
from ..model.predictor import load_predictor
from ..settings import usable_cores
from .config import TrainingConfig
from .data.corrections import read_corrections
from .data.dataset import Sample, by_split, corrected, fingerprint, read_dataset
from .golden import GOLDEN_TOLERANCE, write_golden
from .judging.measures import Scope, measure_bundle
from .judging.report.card import render_card
from .judging.suspects import Suspect
from .learning import Learner, Learnt, Sides, list_suspects
from .networks.keras_file import save_reproducibly

WEIGHTS = "model.keras"

_LIBRARIES = ("keras", "tensorflow", "pillow", "numpy", "scikit-learn")


def train_bundle(config: TrainingConfig, folders: Sequence[Path], out: Path, work: Path) -> ModelBundle:
    """Learn the classes of the folders, and write weights, golden pictures, card and manifest to ``out``.

    Args:
        config: what to make.
        folders: each holds a folder of pictures for every class.
        out: the folder to write to; other files in it stay.
        work: a folder that an interrupted training goes on from when it is called again.

    Raises:
        InvalidDataset: the folders cannot be used.
        InvalidConfiguration: the configuration does not fit the backbone or the data.
    """
    found, corrections = read_dataset(folders), read_corrections(config.corrections)
    samples = corrected(found, corrections)
    labels = sorted({sample.label for sample in samples})
    sides = by_split(samples)
    _check(config, sides, labels)
    learner = Learner(config, sides, labels, work)
    learnt = [learner.learn(seed) for seed in range(config.seed, config.seed + config.seeds)]
    best = min(learnt, key=lambda each: each.account["validation_loss"])
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": config.name or out.resolve().name,
        "version": config.version,
        "description": config.description or f"A classifier of pictures into {len(labels)} classes.",
        "labels": labels,
        "preprocessing": best.preprocessing.model_dump(mode="json"),
        "calibration": best.calibration.model_dump(mode="json"),
        "golden": write_golden(best.model, best.preprocessing, config.golden, out),
        "golden_tolerance": GOLDEN_TOLERANCE,
        "training": _provenance(config, samples, len(corrections), sides, best, learnt),
        "gate": None if config.gate is None else config.gate.model_dump(mode="json"),
        "metrics": {},
        "artefacts": {"tensorflow": WEIGHTS},
    }
    save_reproducibly(best.model, out / WEIGHTS)
    return _measured(config, out, manifest, sides["test"], by_split(found)["test"])


def find_wrong_labels(config: TrainingConfig, folders: Sequence[Path], work: Path) -> list[Suspect]:
    """The pictures of the folders whose label is probably wrong, corrections applied, the least likely first.

    Args:
        config: backbone and corrections.
        folders: each holds a folder of pictures for every class.
        work: a folder for what is computed on the way.

    Raises:
        InvalidDataset: the folders cannot be used.
    """
    samples = corrected(read_dataset(folders), read_corrections(config.corrections))
    return list_suspects(config, samples, sorted({sample.label for sample in samples}), work)


def _measured(
    config: TrainingConfig,
    out: Path,
    manifest: dict[str, Any],
    test: Sequence[Sample],
    as_found: Sequence[Sample],
) -> ModelBundle:
    """Write the manifest twice: the numbers in it come from the predictor that the first one makes."""
    predictor = load_predictor(_write(out, manifest), "tensorflow", threads=usable_cores())
    # how long it takes differs each time, and the same training has to give the same manifest
    scope = Scope(negative=config.negative, between=config.between, outside=config.outside, latency=0)
    metrics = measure_bundle(predictor, test, scope)
    if config.corrections is not None:
        uncorrected = measure_bundle(
            predictor, as_found, Scope(behaviour=0, latency=0, between=config.between)
        )
        metrics["labels_as_found"] = {
            name: uncorrected[name] for name in ("all", "between") if name in uncorrected
        }
    return _write(out, manifest | {"metrics": metrics})


def _write(out: Path, manifest: dict[str, Any]) -> ModelBundle:
    (out / CARD).write_text(render_card(manifest))
    return write_manifest(out, manifest)


def _check(config: TrainingConfig, sides: Sides, labels: Sequence[str]) -> None:
    """Every class must be there to learn from, and something to choose by, to calibrate and to test on."""
    if len(labels) < 2:  # noqa: PLR2004 - a choice needs two
        raise InvalidDataset(f"Only the class {labels[0]!r} was found; a classifier needs at least two.")
    if config.negative is not None and config.negative not in labels:
        raise InvalidDataset(f"The class {config.negative!r}, named as `negative`, was not found.")
    learnt = {sample.label for sample in sides["train"]}
    if missing := [label for label in labels if label not in learnt]:
        raise InvalidDataset(f"No picture of {missing[0]!r} falls on the side 'train'; add more pictures.")
    if empty := [side for side, samples in sides.items() if not samples]:
        raise InvalidDataset(f"No picture falls on the side {empty[0]!r}; add more pictures.")


def _provenance(  # noqa: PLR0913, PLR0917 - so much is worth remembering
    config: TrainingConfig,
    samples: Sequence[Sample],
    corrections: int,
    sides: Sides,
    best: Learnt,
    learnt: Sequence[Learnt],
) -> dict[str, Any]:
    return {
        "dataset_fingerprint": f"sha256:{fingerprint(samples)}",
        "pictures": {split: len(side) for split, side in sides.items()},
        "corrected_labels": corrections,
        "seed": best.account["seed"],
        "seeds": [each.account for each in learnt],
        "recipe": config.model_dump(mode="json", include={"negative", "coverage", "bank", "fine_tuning"}),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
