"""How a bundle behaves where a picture changes and what it shows does not, and where nothing is left to see.

Invariance and directional expectation tests as in CheckList (Ribeiro et al. 2020, arXiv 2005.04118), asked
through the preprocessing and the verdict that serve.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, pairwise, zip_longest
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

from ....model.predictor import UNSURE, Prediction, Predictor
from ....model.preprocessing import Preprocessing, to_rgb
from ....settings import usable_cores
from ...data.dataset import Sample
from ..proportions import share
from .looks import upright
from .versions import AS_FOUND, EXACT, LADDERS, PARTS, PNG, SIMILAR, Version, all_changes, step

_DECODED_SMALLER = 4
"""From so many times the network's size on, a JPEG is decoded smaller (see ``versions``)."""

_LONGEST = 4
"""A panorama may be so many times as long as that; each version of it has to be made and decoded."""

Asked = Mapping[str, Prediction]
"""The predictions for the versions of one picture, by their names."""


def measure_behaviour(
    predictor: Predictor, samples: Sequence[Sample], count: int, negative: str | None
) -> dict[str, Any]:
    """How often another version of a picture gets another verdict, and what is said where nothing is to see.

    Args:
        predictor: what answers.
        samples: labelled pictures.
        count: how many of them to take at most: the same each time, spread evenly over the labels.
        negative: the label that stands for none of the others, if there is one.
    """
    chosen = spread(samples, count)
    asked = list(_ask(predictor, chosen))
    return {
        "pictures": len(chosen),
        "exact": {name: _compare(asked, name, version) for name, version in EXACT.items()},
        "similar": {name: _compare(asked, name, version) for name, version in SIMILAR.items()},
        "ladders": {name: _climb(asked, name, negative) for name in LADDERS},
    }


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """At most ``count`` samples, in turn from each label, those with the smallest digests first."""
    labels = sorted({sample.label for sample in samples})
    by_digest = sorted(samples, key=lambda sample: sample.sha256)
    groups = [[sample for sample in by_digest if sample.label == label] for label in labels]
    in_turn = (sample for sample in chain.from_iterable(zip_longest(*groups)) if sample is not None)
    return list(islice(in_turn, count))


def _ask(predictor: Predictor, samples: Sequence[Sample]) -> Iterator[Asked]:
    versions = all_changes()
    with ThreadPoolExecutor(usable_cores()) as pool:
        for sample in track(samples, description=f"behaviour ({len(samples)} pictures)"):
            data = sample.path.read_bytes()
            image, untouched = _upright(data, predictor.bundle.manifest.preprocessing)
            made = list(pool.map(lambda change, image=image: change(image), versions.values()))
            named = dict(zip(versions, made, strict=True)) | ({AS_FOUND: data} if untouched else {})
            predictions = predictor.predict_batch(list(pool.map(predictor.preprocess, named.values())))
            yield dict(zip(named, predictions, strict=True))


def _upright(data: bytes, how: Preprocessing) -> tuple[Image.Image, bool]:
    """The picture upright in RGB, and whether its PNG gives the network the same array (see ``versions``)."""
    with Image.open(io.BytesIO(data)) as opened:
        image = to_rgb(upright(opened), how.alpha_background)
    most = _DECODED_SMALLER * how.resize_shorter_side - 1
    factor = min(most / min(image.size), _LONGEST * most / max(image.size))
    if factor >= 1:
        return image, True
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS), False


def _compare(asked: Sequence[Asked], name: str, version: Version) -> dict[str, Any]:
    """Over all pictures that have both versions: ``changed`` counts those from or to ``unsure`` too.

    ``relabelled_pictures`` are those of them that got another label, and ``shift_p95`` is the 95th percentile
    of how far the probability of the first winner moved.
    """
    pairs = [(each[version.against], each[name]) for each in asked if version.against in each]
    changed = [(old.verdict, new.verdict) for old, new in pairs if old.verdict != new.verdict]
    shifts = [abs(old.predictions[0].probability - _of(new, old.predictions[0].label)) for old, new in pairs]
    return {
        "pictures": len(pairs),
        "changed_pictures": len(changed),
        "relabelled_pictures": sum(UNSURE not in verdicts for verdicts in changed),
        **share("changed", len(changed), len(pairs)),
        "shift_p95": float(np.percentile(shifts, 95)) if shifts else None,
    }


def _climb(asked: Sequence[Asked], ladder: str, negative: str | None) -> dict[str, Any]:
    """From pictures whose verdict is one of the classes, to nothing.

    ``abstains`` is the share that ends as ``unsure`` or as the negative label, ``falls`` whether the mean
    probability of the first verdict is lower at each step than at the one before.
    """
    none_of_them = {UNSURE, negative}
    seen = [each for each in asked if each[PNG].verdict not in none_of_them]
    versions = [PNG, *(step(ladder, part) for part in PARTS)]
    means = [_mean_of(seen, version) for version in versions] if seen else []
    abstained = sum(each[versions[-1]].verdict in none_of_them for each in seen)
    return {
        "pictures": len(seen),
        "probabilities": means,
        "falls": bool(seen) and all(after < before for before, after in pairwise(means)),
        "abstained_pictures": abstained,
        **share("abstains", abstained, len(seen)),
    }


def _of(prediction: Prediction, label: str) -> float:
    return next(each.probability for each in prediction.predictions if each.label == label)


def _mean_of(seen: Sequence[Asked], version: str) -> float:
    return float(np.mean([_of(each[version], each[PNG].verdict) for each in seen]))
