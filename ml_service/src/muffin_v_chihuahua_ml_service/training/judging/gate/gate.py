"""Refuses a bundle that is not worth what was asked of it, with a sentence for each reason."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ....errors import GateFailed
from ....model.bundle import Manifest, ModelBundle
from ..measures import weights_digest
from .findings import find
from .requirements import Requirements, requirements_of


def check_bundle(bundle: ModelBundle) -> None:
    """Refuse a bundle that contradicts itself, or that does not reach what its own manifest asks for.

    Raises:
        GateFailed: a golden picture shows something else than what wins, the metrics are of other weights or
            labels, or they do not meet the requirements; a line for each reason.
        InvalidBundle: the requirements cannot be understood.
    """
    manifest = bundle.manifest
    requirements = requirements_of(manifest)
    reasons = [*_mislabelled(manifest), *_measured_elsewhere(manifest)]
    if requirements is not None:
        reasons += check_gate(manifest, manifest.metrics, requirements)
    _refuse(manifest, reasons)


def pass_gate(manifest: Manifest, measures: Mapping[str, Any], requirements: Requirements) -> None:
    """``check_gate``, raised.

    Raises:
        GateFailed: with all of its sentences.
    """
    _refuse(manifest, check_gate(manifest, measures, requirements))


def check_gate(manifest: Manifest, measures: Mapping[str, Any], requirements: Requirements) -> list[str]:
    """Why a bundle is refused, a sentence each; an empty list where it passes.

    Args:
        manifest: of the bundle that was measured; its own ``metrics`` are not looked at.
        measures: as ``measure_bundle`` gives them.
        requirements: what they have to reach.
    """
    if not measures:
        return ["Metrics: there are none; measure the bundle."]
    try:
        findings = list(find(measures, manifest.calibration, requirements))
    except KeyError as error:
        return [f"Metrics: {error} is not there; measure the bundle again, with this release."]
    return [str(finding) for finding in findings if not finding.met]


def _mislabelled(manifest: Manifest) -> Iterator[str]:
    """Labels that are not in the order of the network's outputs show here, without any data."""
    for golden in manifest.golden:
        winner = manifest.labels[int(np.argmax(golden.probabilities))]
        if golden.label not in {None, winner}:
            yield (
                f"{golden.file}: shows {golden.label!r}, but {winner!r} wins; "
                "the labels may not be in the order of the network's outputs."
            )


def _measured_elsewhere(manifest: Manifest) -> Iterator[str]:
    metrics, digest = manifest.metrics, weights_digest(manifest)
    # metrics that do not say whose they are will do where nothing is required of them
    measured_on = metrics.get("weights_sha256", digest if manifest.gate is None else None)
    if metrics and measured_on != digest:
        yield "Metrics: measured on other weights than the bundle has; measure it again."
    measured = tuple(metrics.get("all", {}).get("labels", manifest.labels))
    if measured != manifest.labels:
        labels = ", ".join(manifest.labels)
        yield f"Metrics: measured with {', '.join(measured)}, but the labels are {labels}."


def _refuse(manifest: Manifest, reasons: Sequence[str]) -> None:
    if reasons:
        head = f"{manifest.name} {manifest.version} does not pass its gate."
        raise GateFailed("\n".join([head, *reasons]))
