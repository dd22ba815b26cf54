from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope, measure_bundle
from muffin_v_chihuahua_ml_service.training.judging.report.card import render_card

CALIBRATION = {
    "temperature": 1.23456,
    "coverage": 0.95,
    "thresholds": {
        "blue": {"at_least": 0.61234, "pictures": 120},
        "red": {"at_least": 0.7, "pictures": 130},
    },
    "familiarity": {
        "layer": "features",
        "bank": 512,
        "neighbours": 10,
        "becomes": "red",
        "classes": {"blue": {"familiar_from": 0.81, "unknown_below": 0.52, "pictures": 250}},
    },
}

BARE: dict[str, Any] = {
    "name": "colours",
    "version": "2.1.0",
    "labels": ["blue", "red"],
    "description": "A network.",
    "preprocessing": {"width": 224, "height": 192, "resize_shorter_side": 256},
    "calibration": {"temperature": 1.0},
    "training": {},
    "gate": None,
    "metrics": {},
}


@pytest.fixture
def manifest(
    make_predictor: Callable[..., Predictor], samples: list[Sample], tmp_path: Path
) -> dict[str, Any]:
    """As training writes it, with everything that can be measured."""
    scope = Scope(behaviour=4, latency=2, negative="red", outside=(tmp_path / "colours" / "red",))
    return BARE | {
        "calibration": CALIBRATION,
        "training": {
            "pictures": {"train": 60, "test": 30},
            "seed": 17,
            "dataset_fingerprint": "sha256:abc",
            "libraries": {"keras": "3.15.1", "numpy": "2.4.6"},
            "layers": [8, 4],
        },
        "gate": {"recall": 0.8, "classes": {"red": {"precision": 0.99}}},
        "metrics": measure_bundle(make_predictor(), samples, scope),
    }


@pytest.mark.parametrize(
    "sentence",
    [
        "# colours 2.1.0",
        "A network.\nClassifies a picture as one of `blue`, `red`.",
        "It sees the middle 224 x 192 pixels of the upright picture, its shorter side resized to 256.",
        "`red` stands for a picture that shows none of the others.",
        "90 pictures: 60 train, 30 test.",
        "- dataset fingerprint: `sha256:abc`",
        "- seed: `17`",
        "- libraries: keras `3.15.1`, numpy `2.4.6`",
        "- layers: `8`, `4`",
        "on the split `test`",
        "| data | pictures | accuracy | 95 % interval | recall blue | recall red |",
        "| colours | 70 | 100.0% | 94.8-100.0% | 100.0% of 30 | 100.0% of 40 |",
        "| all | 70 | 100.0% | 94.8-100.0% | 100.0% of 30 | 100.0% of 40 |",
        "| blue | 100.0% (88.6-100.0%) | 30 | 100.0% (88.6-100.0%) | 30 |",
        "| shown \\ won | blue | red |\n| --- | --- | --- |\n| blue | 30 | 0 |\n| red | 0 | 40 |",
        "Expected calibration error 0.1",
        "Answered, and not `unsure`: 100.0% (94.8-100.0%); right among these: 100.0% (94.8-100.0%).",
        "with litert in f32: decode ",
        "The logits are divided by the temperature 1.235.",
        "Of each class, 95.0% of the pictures give their true label at least its threshold",
        "This is guaranteed for pictures like the calibration ones, and for no others.",
        "| blue | 0.612 | 120 |",
        "similarity to the farthest of its 10 nearest, in `features`; 512 pictures are remembered.",
        "Where it is less and less familiar, a class loses its probability, but for a twentieth, to `red`.",
        "| blue | 0.810 | 0.520 | 250 |",
        "| pictures | how many | unsure | blue | red |",
        "| red | 40 | 0.0% | 0.0% | 100.0% |",
        "Of 4 pictures, how many get another verdict in another version.",
        "| lossless WebP | 4 | 0 (0.0%) | 0.0-49.0% | 0 | 0.000 |",
        "| grey | 4 | 4 (100.0%) |",
        "| taken away | pictures | nothing | 25% | 50% | 75% | 100% | no class at the end |",
        "| noise | 2 | 0.8",
        "| Precision of 'red' | at least 99.0% | 100.0% (91.2-100.0%) of 40 pictures | yes |",
        "| Recall of 'red' | at least 80.0% | 100.0% (91.2-100.0%) of 40 pictures | yes |",
        "| Expected calibration error | at most 0.050 | 0.1",
        "Worst kind of picture: ",
        "| kind of picture | pictures | accuracy | points under the mean |",
    ],
)
def test_the_card_says_what_the_manifest_says(manifest: dict[str, Any], sentence: str) -> None:
    assert sentence in render_card(manifest)


@pytest.mark.parametrize(
    "sentence",
    [
        "# colours 2.1.0",
        "No label stands for a picture that shows none of them.",
        "It was not measured.",
        "No threshold was fitted: the verdict is the winner, however sure it is.",
        "It was not measured on pictures that show none of the classes.",
        "It was not measured how the verdict stands up to changes of the picture.",
        "Nobody asked for anything: it was not measured against any requirement.",
    ],
)
def test_the_card_says_what_is_not_known(sentence: str) -> None:
    assert sentence in render_card(BARE)


def test_what_was_asked_but_not_measured_is_not_claimed() -> None:
    card = render_card(BARE | {"gate": {}})

    assert "It was not measured, so nothing is known of what was asked." in card


def test_a_latency_that_was_not_measured_is_not_spoken_of(manifest: dict[str, Any]) -> None:
    del manifest["metrics"]["latency"]

    assert "One picture at a time" not in render_card(manifest)


def test_a_behaviour_that_was_asked_for_but_not_measured_is_not_claimed(manifest: dict[str, Any]) -> None:
    del manifest["metrics"]["behaviour"]

    assert "| Behaviour | a measured one | not measured | no |" in render_card(manifest)


def test_a_gate_that_is_missed_says_so(manifest: dict[str, Any]) -> None:
    card = render_card(manifest | {"gate": {"ece": 0.0}})

    [row] = [line for line in card.splitlines() if line.startswith("| Expected calibration error |")]
    assert row.endswith("| no |")


def test_thresholds_without_a_coverage_promise_nothing(manifest: dict[str, Any]) -> None:
    card = render_card(manifest | {"calibration": {**CALIBRATION, "coverage": None}})

    assert "less than its label's threshold." in card
    assert "guaranteed" not in card


def test_the_unfamiliar_may_become_an_even_spread(manifest: dict[str, Any]) -> None:
    familiarity = {**CALIBRATION["familiarity"], "becomes": None}  # type: ignore[dict-item]

    card = render_card(manifest | {"calibration": {**CALIBRATION, "familiarity": familiarity}})

    assert "loses its probability, but for a twentieth, to all labels evenly." in card


def sections(card: str) -> Iterator[str]:
    return (line for line in card.splitlines() if line.startswith("## "))


def test_a_card_has_the_same_sections_whatever_is_known(manifest: dict[str, Any]) -> None:
    assert list(sections(render_card(manifest))) == list(sections(render_card(BARE)))


def test_a_sentence_has_a_line_of_its_own(manifest: dict[str, Any]) -> None:
    prose = [line for line in render_card(manifest).splitlines() if line and line[0] not in "|-# "]

    assert not [line for line in prose if ". " in line.replace("95 % under", "")]


def test_the_head_is_what_the_hub_reads(manifest: dict[str, Any]) -> None:
    head = yaml.safe_load(render_card(manifest).split("---\n")[1])

    assert head["pipeline_tag"] == "image-classification"
    [model] = head["model-index"]
    assert model["name"] == "colours"
    assert [each["dataset"] for each in model["results"]] == [
        {"name": name, "type": name, "split": "test"} for name in ("colours", "all")
    ]
    assert model["results"][1]["metrics"][0] == {"type": "accuracy", "name": "accuracy", "value": 1.0}


def test_the_head_claims_nothing_where_nothing_was_measured() -> None:
    head = yaml.safe_load(render_card(BARE).split("---\n")[1])

    assert not head.keys() & {"metrics", "model-index"}


def test_every_seed_that_was_tried_is_told(manifest: dict[str, Any]) -> None:
    seeds: list[dict[str, Any]] = [
        {"seed": seed, "probe_accuracy": 0.9, "accuracy": 0.95, "validation_loss": 0.25, "epochs": []}
        for seed in (17, 18)
    ]

    card = render_card(manifest | {"training": manifest["training"] | {"seeds": seeds}})

    assert "| 17 (kept) | 90.0% | 95.0% | 0.2500 |\n| 18 | 90.0% | 95.0% | 0.2500 |" in card
    assert "- seed: `17`" not in card


def test_corrected_labels_are_told_with_what_the_labels_as_found_would_give(manifest: dict[str, Any]) -> None:
    found = {name: manifest["metrics"][name] for name in ("all",)}
    pair = {
        "pair": ["blue", "red"],
        "pictures": 9,
        "wrong": 1,
        "accuracy": 0.889,
        "accuracy_interval": [0.5, 1],
    }

    card = render_card(
        manifest
        | {
            "training": manifest["training"] | {"corrected_labels": 7},
            "metrics": manifest["metrics"] | {"labels_as_found": found | {"between": pair}},
        }
    )

    assert "corrected 7 of all" in card
    assert "Against the labels as they were found: 100.0%" in card
    assert "blue against red: 88.90%" in card
    assert "noise included" not in card
