from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.judging.outside import measure_outside


def test_each_folder_gets_the_share_of_each_verdict(
    make_predictor: Callable[..., Predictor], tmp_path: Path
) -> None:
    for name, colours in {
        "near": ["red", "purple", "magenta", "red"],
        "far/deeper": ["blue", "grey"],
    }.items():
        (tmp_path / name).mkdir(parents=True)
        for number, colour in enumerate(colours):
            Image.new("RGB", (40, 40), colour).save(tmp_path / name / f"{number}.PNG", "PNG")
    (tmp_path / "far" / "notes.txt").write_text("no picture, and none that is claimed")

    found = measure_outside(make_predictor(), [tmp_path / "near", tmp_path / "far"])

    assert found == {
        "near": {"pictures": 4, "verdicts": {"unsure": 0.5, "blue": 0.0, "red": 0.5}},
        "far": {"pictures": 2, "verdicts": {"unsure": 0.5, "blue": 0.5, "red": 0.0}},
    }
    assert list(found) == ["near", "far"]


@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_a_folder_without_pictures_is_refused(
    make_predictor: Callable[..., Predictor], tmp_path: Path, folder: str
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(InvalidDataset, match=f"{folder}: there is no picture in it"):
        measure_outside(make_predictor(), [tmp_path / folder])
