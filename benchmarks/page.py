"""Pictures on the page beside the same on the command line: `make bench-page`."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Annotated
from zipfile import ZipFile

import typer

from muffin_v_chihuahua.thumbnails import thumbnail

from .browser import chromium
from .command import run_command
from .demo import SERVICE, Demo, demo, installed
from .errors import SystemFailed
from .page_results import AGAIN, BEFORE, CLEARED, SHOWN, START, PageResults
from .pictures import PHOTO, read_pictures
from .processes import resident_megabytes
from .systems import BUNDLE
from .visits import Visit

COUNT = 200
ROUNDS = 3
TIMES = 5
"""How often the pictures are handed in and cleared before the memory is looked at for the last time."""
_REST_S = 3.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass
class Bench:
    """What the measures need, and what they have found so far."""

    demo: Demo
    visit: Visit
    model: Path
    pictures: Sequence[Path]
    handed_in: Sequence[Path]
    say: Callable[[str], None]
    command: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    megabytes: dict[str, float] = field(default_factory=dict)

    def look(self, moment: str) -> None:
        """Note the memory of the page's process, after a rest."""
        self.visit.rest(_REST_S)
        self.megabytes[moment] = resident_megabytes(self.demo.page.pid)
        self.say(f"{moment}: {self.megabytes[moment]:.1f} MB")

    def predict(self) -> None:
        """The pictures on the command line."""
        began = perf_counter()
        line = (installed(SERVICE), "predict", "--model", str(self.model), *map(str, self.pictures))
        ended = subprocess.run(line, env=os.environ, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if ended.returncode or len(ended.stdout.splitlines()) != len(self.pictures):
            raise SystemFailed(f"`predict` did not predict all pictures: {ended.stderr.strip()[-300:]}")
        self.command.append(perf_counter() - began)
        self.say(f"command line: {self.command[-1]:.2f} s")

    def hand_in(self) -> None:
        """The pictures on the page."""
        self.page.append(self.visit.hand_in(self.handed_in, len(self.pictures)))
        self.say(f"page: {self.page[-1]:.2f} s")

    def clear(self) -> None:
        """Let the page forget them."""
        self.visit.clear(len(self.pictures))


def measure(bench: Bench, rounds: int = ROUNDS) -> PageResults:
    """Both in turn, and the memory before, between and after."""
    bench.look(START)
    _once(bench)
    bench.page.clear()  # that was the warm-up
    bench.look(BEFORE)
    for number in range(rounds):
        bench.predict()
        bench.hand_in()
        if number == 0:
            bench.look(SHOWN)
        bench.clear()
        if number == 0:
            bench.look(CLEARED)
    timed = tuple(bench.page)
    for _ in range(TIMES - rounds):
        _once(bench)
    bench.look(AGAIN)
    shown = sum(len(thumbnail(path.read_bytes()) or b"") for path in bench.pictures) / 1e6
    return PageResults(len(bench.pictures), tuple(bench.command), timed, bench.megabytes, shown)


def _once(bench: Bench) -> None:
    bench.hand_in()
    bench.clear()


def write_pictures(photos: Path, folder: Path, count: int) -> list[Path]:
    """So many JPEGs of 500 x 375; each comes more than once where there are fewer to make them of."""
    made = read_pictures(photos, folder / "made", PHOTO, count)
    paths = [folder / f"{number:03}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(made[number % len(made)])
    return paths


def write_zip(pictures: Sequence[Path], path: Path) -> Path:
    """The pictures in one zip, as people make them."""
    with ZipFile(path, "w") as packed:
        for each in pictures:
            packed.write(each, each.name)
    return path


@app.command()
def main(  # noqa: PLR0913 - a command's options
    *,
    photos: Annotated[Path, typer.Option(help="A folder with full/*/*.jpg.")] = Path("../shared/data/photos"),
    model: Annotated[Path, typer.Option(help="The bundle.")] = BUNDLE,
    out: Annotated[Path, typer.Option(help="The folder for pictures and logs.")] = Path("build/bench/page"),
    count: Annotated[int, typer.Option(help="How many pictures.", min=2)] = COUNT,
    as_zip: Annotated[bool, typer.Option("--zip", help="Hand them in as one zip, not as files.")] = False,
    strict: Annotated[bool, typer.Option("--assert", help="Status 1 if an aim is missed.")] = False,
) -> None:
    """Measure the page Your pictures, and the memory of its process."""
    pictures = write_pictures(photos, out / "pictures", count)
    with demo(out / "logs", "--model", str(model)) as both, chromium() as browser:
        visit = Visit.to(browser.new_page(), both.page.address)
        if as_zip:
            visit.choose("Zip")
        handed_in = [write_zip(pictures, out / "pictures.zip")] if as_zip else pictures
        results = measure(Bench(both, visit, model, pictures, handed_in, typer.echo))
    typer.echo(f"\n{results.markdown()}")
    verdicts = list(results.verdicts())
    for each in verdicts:
        typer.echo(
            f"{each.word:8}  {each.aim.sentence}: {each.number} ({each.aim.kind} {each.aim.limit:.3g})"
        )
    if strict and not all(each.met for each in verdicts):
        raise typer.Exit(1)


def run() -> None:
    """Run this benchmark's command."""
    run_command(app)


if __name__ == "__main__":
    run()
