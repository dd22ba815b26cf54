"""The gallery's pictures: those in the wheel, or those in the folder `GALLERY_DIR`."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

OUR_PICTURES = Path(__file__).with_name("pictures")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


def find_pictures(folder: Path) -> tuple[Path, ...]:
    """Every picture in the folder and in the folders in it, in the order of their names.

    What counts is the file's name: no file is opened. A folder that is not there has no pictures.
    """
    return tuple(sorted(path for path in folder.rglob("*") if _is_picture(path)))


def _is_picture(path: Path) -> bool:
    # "._rex.jpg" is what a Mac leaves beside rex.jpg: no picture, in spite of its name
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def draw_others(pictures: Sequence[Path], shown: Sequence[Path], count: int, random: Random) -> list[Path]:
    """Pictures drawn at random, none of them twice, and none that is shown now while there are enough others.

    Fewer than `count` where there are fewer pictures.
    """
    others = [path for path in pictures if path not in shown]
    drawn = random.sample(others, min(count, len(others)))
    again = [path for path in pictures if path not in others]
    return drawn + random.sample(again, min(count - len(drawn), len(again)))


def class_of(path: Path) -> str:
    """The folder that a picture lies in, which is what it shows."""
    return path.parent.name


def named(pictures: Sequence[Path], titles: Sequence[str]) -> list[Path]:
    """The pictures with these titles, in their order; a title that none of them has is left out.

    Titles come from an address that anybody may write: they are compared, never opened.
    """
    by_title = {title_of(path): path for path in pictures}
    return [by_title[title] for title in dict.fromkeys(titles) if title in by_title]


def title_of(path: Path) -> str:
    """The name that a picture goes by: its folder's and its own."""
    return f"{path.parent.name}/{path.name}"
