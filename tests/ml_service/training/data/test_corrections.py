from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.training.data.corrections import read_corrections

ONE, TWO = "1" * 64, "2" * 64


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "corrections.csv"
    path.write_text(content)
    return path


def test_a_label_is_what_a_picture_really_shows_and_none_leaves_it_out(tmp_path: Path) -> None:
    path = written(tmp_path, f"sha256,label,what it shows\n{ONE},other,a spaniel\n{TWO},,too dark\n")

    assert read_corrections(path) == {ONE: "other", TWO: None}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("sha256\n" + ONE, "line 2: expected a SHA-256 in `sha256` and a `label`"),
        ("label\nother", "line 2: expected"),
        (f"sha256,label\n{ONE},a\n{ONE[:-1]},b", "line 3: expected"),
        (f"sha256,label\n{ONE},a\n{ONE},b", f"line 3: {ONE} was corrected on an earlier line"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(InvalidDataset, match=reason):
        read_corrections(written(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"nowhere\.csv: the corrections cannot be read"):
        read_corrections(tmp_path / "nowhere.csv")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\xff\xd8\xff")

    with pytest.raises(InvalidDataset, match="cannot be read"):
        read_corrections(path)
