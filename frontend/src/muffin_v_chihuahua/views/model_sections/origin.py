"""What the model was trained on, and how."""

from collections.abc import Sequence

import streamlit as st

from muffin_v_chihuahua.language import number, percent, tr
from muffin_v_chihuahua.measures import TRAINING, Seed, Training, beside
from muffin_v_chihuahua.views.pairs import pairs_of
from muffin_v_chihuahua.wire import ModelDescription


def draw_origin(model: ModelDescription) -> None:
    """Draw the section, and after it what the bundle says that has no place elsewhere."""
    training = TRAINING.validate_python(model.training)
    for heading, pairs in (
        (tr("What it was trained on"), _of_training(training)),
        (tr("What else its bundle says"), _others(model.metrics)),
    ):
        if any(pairs.values()):
            st.subheader(heading, anchor=False)
            st.html(pairs_of(pairs))


def _of_training(training: Training) -> dict[str, str | None]:
    return {
        tr("Pictures"): " · ".join(f"{side} {number(count)}" for side, count in training.pictures.items()),
        tr("Labels that a person corrected"): _count(training.corrected_labels),
        tr("Fingerprint of the pictures"): training.dataset_fingerprint,
        tr("Trained with the seeds"): _seeds(training.seeds, training.seed),
        tr("Libraries"): ", ".join(f"{name} {version}" for name, version in training.libraries.items()),
    }


def _count(count: int | None) -> str | None:
    return None if count is None else number(count)


def _seeds(seeds: Sequence[Seed], kept: int | None) -> str:
    if not seeds and kept is not None:
        return str(kept)
    return " · ".join(_seed(each, is_kept=each.seed == kept and len(seeds) > 1) for each in seeds)


def _seed(each: Seed, *, is_kept: bool) -> str:
    said = str(each.seed) if each.accuracy is None else f"{each.seed}: {percent(each.accuracy)}"
    return tr("{seed} (this one)", seed=said) if is_kept else said


def _others(metrics: object) -> dict[str, str | None]:
    """Under the bundle's own names."""
    return {
        name: value if isinstance(value, str) else f"{value:g}" for name, value in beside(metrics).items()
    }
