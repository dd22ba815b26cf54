"""Draws chihuahuas, muffins and other things: `python models/muffin-v-chihuahua/drawings --help`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.progress import track

from canvas import Pixels, Scene, finish
from chihuahua import chihuahua
from far import ARTISTS as FAR_ARTISTS
from gallery import CHIHUAHUAS, FIRST_DATASET_SEED, MUFFINS, SEEDS_A_DATASET
from muffin import muffin
from others import other

LARGEST_FILE = 80_000
ARTISTS: dict[str, Callable[[int], Scene]] = {"chihuahua": chihuahua, "muffin": muffin, "other": other}

Task = tuple[str, int, Path]
Out = Annotated[Path, typer.Option(help="The folder to write to; a folder for each class is made in it.")]

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


def jpeg(picture: Pixels, quality: int = 92) -> bytes:
    """Returns the picture, uint8 [h, w, 3] RGB, as a JPEG of at most 80 kB."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if data.size <= LARGEST_FILE else jpeg(picture, quality - 3)


def draw(task: Task) -> Path:
    """Draws one picture of a class from a seed, writes it and returns its path."""
    kind, seed, path = task
    # One picture a process: OpenCV's own threads would only stand in one another's way.
    cv2.setNumThreads(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(finish(ARTISTS[kind](seed))))
    return path


def draw_all(tasks: list[Task]) -> Iterator[Path]:
    """Draws on every processor, showing the progress, and yields the paths in order."""
    with ProcessPoolExecutor() as pool:
        yield from track(pool.map(draw, tasks, chunksize=4), "drawing", total=len(tasks))


@app.command()
def gallery(out: Out) -> None:
    """Write the hand-picked chihuahuas and muffins of the frontend's gallery."""
    chosen = {"chihuahua": CHIHUAHUAS, "muffin": MUFFINS}
    tasks = [
        (kind, seed, out / kind / f"{name}.jpg")
        for kind, names in chosen.items()
        for name, seed in names.items()
    ]
    typer.echo(f"{len(list(draw_all(tasks)))} pictures in {out}")


@app.command()
def dataset(
    out: Out,
    count: Annotated[int, typer.Option(min=1, max=SEEDS_A_DATASET, help="Pictures of each class.")],
    seed: Annotated[int, typer.Option(min=0, help="Which dataset: no two seeds share a picture.")] = 0,
) -> None:
    """Write a dataset of drawn chihuahuas, muffins and other things, none of them in the gallery."""
    start = FIRST_DATASET_SEED + seed * SEEDS_A_DATASET
    tasks = [
        (kind, number, out / kind / f"drawing-{number}.jpg")
        for number in range(start, start + count)
        for kind in ARTISTS
    ]
    typer.echo(f"{len(list(draw_all(tasks)))} pictures in {out}")


@app.command()
def far(
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    count: Annotated[int, typer.Option(min=1, help="Pictures of each kind.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same pictures.")] = 0,
) -> None:
    """Write pictures that show nothing: blank ones, noise, stripes, text."""
    out.mkdir(parents=True, exist_ok=True)
    for kind, artist in FAR_ARTISTS.items():
        for number in range(count):
            picture = artist(np.random.default_rng((seed, number)))
            (out / f"{kind}-{number}.jpg").write_bytes(jpeg(picture))
    typer.echo(f"{count * len(FAR_ARTISTS)} pictures in {out}")


if __name__ == "__main__":
    app()
