"""A bundle's network in int8, where that is worth it: quantised on some pictures, measured on others."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np

from ..errors import GateFailed, InvalidDataset
from ..model.bundle import EngineName, ModelBundle, Quantised, write_manifest
from ..model.engines import CANDIDATES, load_engine
from ..model.predictor import Predictor
from ..settings import PrecisionChoice, usable_cores
from .data.dataset import Sample, by_split, read_dataset
from .data.pictures import training_picture
from .judging.answers import Answers, answer
from .judging.behaviour.behaviour import spread
from .judging.gate.requirements import Requirements, requirements_of
from .quantisation import quantise

INT8 = "model.int8.onnx"

_CALIBRATION_PICTURES = 128

_MARGIN = 2
"""How many times farther off than it was when measured int8 may be: other pictures will come."""


def add_int8(bundle: ModelBundle, folders: Sequence[Path]) -> ModelBundle:
    """Quantise a bundle's network into its folder, and write into its manifest what was measured.

    Args:
        bundle: with artefacts for ONNX Runtime and OpenVINO; its folder is changed.
        folders: each holds a folder of pictures for every class; the sides of the split are training's.

    Raises:
        InvalidDataset: the folders cannot be used, or have too few pictures.
        GateFailed: int8 changes more verdicts than the bundle's gate allows a change that does not matter.
    """
    sides = by_split(read_dataset(folders))
    if empty := [side for side in ("calibration", "test") if not sides[side]]:
        raise InvalidDataset(f"No picture falls on the side {empty[0]!r}; int8 needs more pictures.")
    calibration, test = spread(sides["calibration"], _CALIBRATION_PICTURES), sides["test"]
    how, network = bundle.manifest.preprocessing, bundle.folder / bundle.manifest.artefacts["onnxruntime"]
    pictures = [training_picture(sample.path.read_bytes(), how) for sample in calibration]
    (bundle.folder / INT8).write_bytes(quantise(network, pictures))
    quantised = _measured(bundle, len(calibration), test)
    _check(bundle, quantised)
    return _with(bundle, quantised)


def _measured(bundle: ModelBundle, calibrated_on: int, test: Sequence[Sample]) -> Quantised:
    """What int8 makes different, with the engine that it makes most different with."""
    unknown = Quantised(
        file=INT8,
        tolerance=1,
        calibrated_on=calibrated_on,
        pictures=len(test),
        largest_difference=1,
        changed_verdicts=0,
    )
    with_int8 = _with(bundle, unknown)
    exact = _answers(with_int8, "onnxruntime", "f32", test)
    engines = [each.engine for each in CANDIDATES if each.precision == "int8"]
    rounded = [_answers(with_int8, engine, "int8", test) for engine in engines]
    largest = max(float(np.abs(each.probabilities - exact.probabilities).max()) for each in rounded)
    return unknown.model_copy(
        update={
            "tolerance": min(1, max(bundle.manifest.golden_tolerance, ceil(1000 * _MARGIN * largest) / 1000)),
            "largest_difference": largest,
            "changed_verdicts": max(_changed(each, exact) for each in rounded),
        }
    )


def _answers(
    bundle: ModelBundle, engine: EngineName, precision: PrecisionChoice, samples: Sequence[Sample]
) -> Answers:
    return answer(Predictor(bundle, load_engine(bundle, engine, precision, threads=usable_cores())), samples)


def _changed(one: Answers, other: Answers) -> int:
    return sum(first != second for first, second in zip(one.verdicts, other.verdicts, strict=True))


def _check(bundle: ModelBundle, quantised: Quantised) -> None:
    allowed = (requirements_of(bundle.manifest) or Requirements()).changed_verdicts
    share = quantised.changed_verdicts / quantised.pictures
    if share > allowed:
        raise GateFailed(
            f"int8 changes {quantised.changed_verdicts} of {quantised.pictures} verdicts, {share:.1%} and so "
            f"more than {allowed:.1%}, and probabilities by up to {quantised.largest_difference:.3f}; "
            "build without --int8."
        )


def _with(bundle: ModelBundle, quantised: Quantised) -> ModelBundle:
    content = bundle.manifest.model_copy(update={"quantised": quantised})
    return write_manifest(bundle.folder, content.model_dump(mode="json", exclude={"files"}))
