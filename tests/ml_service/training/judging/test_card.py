import pytest

from muffin_v_chihuahua_ml_service.training.judging.card import render_card

MEASURES = {
    "pictures": 30,
    "accuracy": 0.9666,
    "labels": {
        "cat": {"pictures": 30, "precision": 1.0, "recall": 0.9666},
        "dog": {"pictures": 0, "precision": 0.0, "recall": 0.0},
    },
}

MANIFEST = {
    "name": "cats",
    "version": "2.1.0",
    "labels": ["cat", "dog"],
    "description": "A network.",
    "calibration": {"temperature": 1.23456},
    "training": {"seed": 17, "dataset_fingerprint": "sha256:abc", "pictures": {"train": 60, "test": 30}},
    "metrics": {"split": "test", "all": MEASURES, "folders": {"street": MEASURES}},
}


@pytest.mark.parametrize(
    "sentence",
    [
        "# cats 2.1.0",
        "one of `cat`, `dog`.",
        "the split `test`",
        "| data | pictures | accuracy | recall cat | recall dog |",
        "| street | 30 | 96.7% | 96.7% of 30 | - |",
        "| all | 30 | 96.7% | 96.7% of 30 | - |",
        "Temperature 1.235,",
        "A network.",
        "90 pictures: 60 train, 30 test.",
        "`sha256:abc`",
        "Seed 17.",
    ],
)
def test_the_card_says_what_the_manifest_says(sentence: str) -> None:
    assert sentence in render_card(MANIFEST)
