import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample, by_split, fingerprint, read_dataset

Pictures = Callable[..., Path]


def sides(folder: Path) -> dict[str, str]:
    return {sample.sha256: sample.split for sample in read_dataset([folder])}


def test_each_picture_becomes_a_sample_with_what_is_known_about_it(
    tmp_path: Path, pictures: Pictures
) -> None:
    folder = pictures(tmp_path / "photos", 3, seed=1)

    samples = read_dataset([folder])

    assert [(sample.label, sample.folder) for sample in samples] == [
        (label, "photos") for label in ("blue", "red") for _ in range(3)
    ]
    assert samples == sorted(samples, key=lambda sample: sample.path)
    for sample in samples:
        assert hashlib.sha256(sample.path.read_bytes()).hexdigest() == sample.sha256


def test_a_pictures_side_follows_from_its_digest(tmp_path: Path, pictures: Pictures) -> None:
    found = sides(pictures(tmp_path / "photos", 80, seed=1))

    def expected(digest: str) -> str:
        number = int(digest, 16) % 100
        bounds = {"train": 70, "validation": 75, "calibration": 85, "test": 100}
        return next(side for side, bound in bounds.items() if number < bound)

    assert len(found) == 160
    assert set(found.values()) == {"train", "validation", "calibration", "test"}
    assert found == {digest: expected(digest) for digest in found}


def test_a_pictures_side_does_not_follow_from_its_name(tmp_path: Path, pictures: Pictures) -> None:
    folder = pictures(tmp_path / "photos", 30, seed=1)
    before = sides(folder)

    for number, path in enumerate(sorted(folder.glob("*/*"), reverse=True)):
        path.rename(path.with_name(f"renamed-{number}.BMP"))

    assert sides(folder.rename(tmp_path / "elsewhere")) == before


def test_pictures_that_are_added_leave_the_others_on_their_side(tmp_path: Path, pictures: Pictures) -> None:
    folder = tmp_path / "photos"
    before = sides(pictures(folder, 30, seed=1))

    after = sides(pictures(folder, 30, seed=2, labels=("blue", "green", "red")))

    assert len(after) == 150
    assert before.items() <= after.items()


def altered(path: Path) -> Image.Image:
    """The same picture as somebody else may have posted it."""
    jpeg = io.BytesIO()
    with Image.open(path) as image:
        ImageEnhance.Brightness(image.resize((64, 64))).enhance(1.05).save(jpeg, "JPEG", quality=85)
    return Image.open(jpeg)


def test_near_duplicates_lie_on_one_side_whatever_their_label_and_folder(
    tmp_path: Path, pictures: Pictures
) -> None:
    originals = pictures(tmp_path / "originals", 20, seed=1)
    for path in originals.glob("*/*"):
        copy = tmp_path / "copies" / "green" / f"{path.parent.name}-{path.stem}.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        altered(path).save(copy)

    samples = read_dataset([originals, tmp_path / "copies"])

    split = {f"{s.label}-{s.path.stem}": s.split for s in samples if s.folder == "originals"}
    assert len(set(split.values())) > 1
    assert {s.path.stem: s.split for s in samples if s.folder == "copies"} == split


def test_the_fingerprint_names_the_data_and_not_how_they_lie_on_disk(
    tmp_path: Path, pictures: Pictures
) -> None:
    samples = read_dataset([pictures(tmp_path / "photos", 10, seed=1)])
    elsewhere = read_dataset([pictures(tmp_path / "elsewhere", 10, seed=1)])

    assert fingerprint(samples) == fingerprint(elsewhere) == fingerprint(reversed(samples))


def relabel(folder: Path) -> None:
    path = next(folder.glob("red/*"))
    path.rename(folder / "blue" / path.name)


def remove(folder: Path) -> None:
    next(folder.glob("red/*")).unlink()


def repaint(folder: Path) -> None:
    path = next(folder.glob("red/*"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("change", [relabel, remove, repaint])
def test_other_data_have_another_fingerprint(
    tmp_path: Path, pictures: Pictures, change: Callable[[Path], None]
) -> None:
    folder = pictures(tmp_path / "photos", 10, seed=1)
    before = fingerprint(read_dataset([folder]))

    change(folder)

    assert fingerprint(read_dataset([folder])) != before


def test_every_side_is_there_even_where_nothing_is_on_it() -> None:
    sample = Sample(Path("a.png"), "red", "photos", "test", "00", "00")

    assert by_split([sample]) == {"train": [], "validation": [], "calibration": [], "test": [sample]}


def test_what_is_no_picture_by_its_name_is_left_alone(tmp_path: Path, pictures: Pictures) -> None:
    folder = pictures(tmp_path / "photos", 2, seed=1)
    (folder / "README.md").write_text("about")
    (folder / "red" / "notes.txt").write_text("no picture")
    (folder / "red" / "folder.png").mkdir()

    assert len(read_dataset([folder])) == 4


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="nowhere: there is no such folder"):
        read_dataset([tmp_path / "nowhere"])


def test_a_folder_without_class_folders_says_what_was_expected(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(tmp_path / "lonely.png")

    with pytest.raises(InvalidDataset, match="expected a folder for each class with pictures"):
        read_dataset([tmp_path])


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, pictures: Pictures) -> None:
    folder = pictures(tmp_path / "photos", 2, seed=1)
    (folder / "red" / "bad.jpg").write_bytes(b"no picture")

    with pytest.raises(InvalidDataset, match=r"bad\.jpg: not a picture that can be read"):
        read_dataset([folder])
