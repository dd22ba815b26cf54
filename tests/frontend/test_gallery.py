from pathlib import Path
from random import SystemRandom

import pytest

from muffin_v_chihuahua.gallery import OUR_PICTURES, draw_others, find_pictures, title_of
from muffin_v_chihuahua.thumbnails import thumbnail

ABC = [Path("a"), Path("b"), Path("c")]


def test_pictures_are_found_in_the_class_folders_and_nothing_else_is(gallery: Path) -> None:
    (gallery / "ape" / "._ape0.png").write_bytes(b"what a Mac leaves behind")
    (gallery / "bee" / "folder.png").mkdir()
    assert len(find_pictures(gallery)) == 16


@pytest.mark.parametrize("name", ["a.jpg", "a.JPG", "a.jpeg", "a.png", "a.webp", "a.gif", "a.bmp"])
def test_every_format_that_the_service_takes_is_a_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert find_pictures(tmp_path) == (tmp_path / name,)


def test_a_folder_that_is_not_there_has_no_pictures(tmp_path: Path) -> None:
    assert find_pictures(tmp_path / "nowhere") == ()


def test_none_of_the_pictures_shown_now_is_drawn_again_while_there_are_others() -> None:
    pictures = [Path(str(number)) for number in range(6)]
    assert set(draw_others(pictures, pictures[:3], 3, SystemRandom())) == set(pictures[3:])


def test_where_others_are_too_few_those_shown_fill_up() -> None:
    drawn = draw_others(ABC, ABC[:2], 3, SystemRandom())
    assert drawn[0] == Path("c")
    assert sorted(drawn) == ABC


def test_no_more_pictures_are_drawn_than_there_are() -> None:
    assert draw_others(ABC[:1], [], 3, SystemRandom()) == [Path("a")]


def test_pictures_that_are_gone_are_not_drawn_again() -> None:
    assert draw_others(ABC[:1], ABC, 3, SystemRandom()) == [Path("a")]


def test_a_picture_goes_by_its_folder_and_its_name() -> None:
    assert title_of(Path("gallery/ape/ape0.png")) == "ape/ape0.png"


def test_the_wheel_brings_eight_pictures_or_more_in_each_class_folder() -> None:
    pictures = find_pictures(OUR_PICTURES)
    folders = {path.parent for path in pictures}
    assert len(folders) >= 2
    assert all(len(find_pictures(folder)) >= 8 for folder in folders)
    assert all(thumbnail(path.read_bytes()) for path in pictures)
