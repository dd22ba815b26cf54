import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.behaviour.behaviour import measure_behaviour, spread
from muffin_v_chihuahua_ml_service.training.judging.behaviour.versions import EXACT, SIMILAR

Pictures = NDArray[np.float32]
MakePredictor = Callable[..., Predictor]


def two(first: NDArray[np.float32]) -> Pictures:
    """The probabilities of `blue` and `red`, where those of the first are given."""
    clipped = np.clip(first, 0, 1)
    return np.stack([clipped, 1 - clipped], axis=1).astype(np.float32)


def corner(batch: Pictures) -> Pictures:
    """Sure of what it is where the first pixel is bright: every turn that is not undone shows."""
    return two(np.where(batch[:, 0, 0].mean(axis=1) > 128, 1.0, 0.0))


@pytest.fixture
def pictures(tmp_path: Path, draw: Callable[..., Image.Image]) -> Callable[..., list[Sample]]:
    """Write so many drawings with one bright corner; size, format and what Pillow's `save` takes."""

    def write(
        count: int, size: tuple[int, int] = (48, 48), suffix: str = "png", **options: Any
    ) -> list[Sample]:
        samples = []
        for number in range(count):
            image = draw(size).point(lambda value: value // 2)
            image.paste("white", (0, 0, size[0] // 3, size[1] // 3))
            image.putpixel((size[0] - 1, size[1] - 1), (number, 0, 0))
            path = tmp_path / "blue" / f"{number}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            image.save(path, **options)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            samples.append(Sample(path, "blue", "d", "test", digest, digest))
        return samples

    return write


def test_what_loses_nothing_changes_nothing(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    measured = measure_behaviour(make_predictor(corner), pictures(3), 3, None)

    assert measured["pictures"] == 3
    assert measured["exact"].keys() == EXACT.keys()
    for row in measured["exact"].values():
        assert (row["pictures"], row["changed_pictures"], row["shift_p95"]) == (3, 0, 0.0)


def test_a_turn_that_the_service_would_not_undo_is_found(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = "muffin_v_chihuahua_ml_service.model.preprocessing._TURNS"
    monkeypatch.setattr(preprocessing, {})

    measured = measure_behaviour(make_predictor(corner), pictures(3), 3, None)

    changed = {name for name, row in measured["exact"].items() if row["changed"] == 1.0}
    # without a turn the corner stays where it is in 1 and 5
    assert changed == {f"EXIF orientation {value}" for value in (2, 3, 4, 6, 7, 8)}


def test_what_turns_the_verdict_is_counted_as_another_label(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    similar = measure_behaviour(make_predictor(corner), pictures(4), 4, None)["similar"]

    assert similar.keys() == SIMILAR.keys()
    mirrored = similar["mirrored"]
    assert (mirrored["changed_pictures"], mirrored["relabelled_pictures"], mirrored["changed"]) == (4, 4, 1.0)
    assert mirrored["shift_p95"] == 1.0
    assert similar["JPEG quality 95"]["changed_pictures"] == 0


def test_a_verdict_that_becomes_unsure_is_changed_but_has_no_other_label(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    def as_sure_as_bright(batch: Pictures) -> Pictures:
        return two(batch[:, 0, 0].mean(axis=1) / 255 - 0.3)

    similar = measure_behaviour(make_predictor(as_sure_as_bright), pictures(2), 2, None)["similar"]

    # white is 0.7, over the threshold of 0.6, and 0.8 of it is 0.5
    darker = similar["brightness x 0.8"]
    assert (darker["changed_pictures"], darker["relabelled_pictures"]) == (2, 0)
    assert darker["shift_p95"] == pytest.approx(0.2, abs=0.01)


def test_only_pictures_that_are_decoded_in_full_are_compared_with_their_png(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    # the network of the fake sees 36 pixels of the shorter side: from 144 on, a JPEG is decoded smaller
    assert compared(make_predictor, pictures(1, (143, 160), "jpg")) == (1, 1)
    assert compared(make_predictor, pictures(1, (144, 160), "jpg")) == (0, 1)


def test_a_picture_that_lies_is_the_same_array_as_its_png(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    lying, upside_down = Image.Exif(), Image.Exif()
    lying[ExifTags.Base.Orientation], upside_down[ExifTags.Base.Orientation] = 6, 3

    assert compared(make_predictor, pictures(1, exif=lying)) == (1, 1)
    assert compared(make_predictor, pictures(1, exif=upside_down)) == (1, 1)


def compared(make_predictor: MakePredictor, samples: list[Sample]) -> tuple[int, int]:
    exact = measure_behaviour(make_predictor(corner), samples, 1, None)["exact"]
    assert exact["PNG"]["shift_p95"] in {0.0, None}
    return exact["PNG"]["pictures"], exact["EXIF orientation 1"]["pictures"]


def test_a_panorama_is_made_smaller_before_there_are_many_of_it(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    sizes = []

    class Watching(Predictor):
        def preprocess(self, data: bytes) -> Pictures:
            sizes.append(Image.open(io.BytesIO(data)).size)
            return super().preprocess(data)

    plain = make_predictor(corner)
    measure_behaviour(Watching(plain.bundle, plain._engine), pictures(1, (6000, 60)), 1, None)

    assert max(max(size) for size in sizes) == 2 * 4 * 143


def test_a_model_that_sees_nothing_says_so(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    def as_sure_as_it_is_not_grey(batch: Pictures) -> Pictures:
        return two(0.5 + (np.abs(batch - 128) > 1).all(axis=3).mean(axis=(1, 2)) / 2)

    ladders = measure_behaviour(make_predictor(as_sure_as_it_is_not_grey), pictures(2), 2, None)["ladders"]

    occlusion = ladders["occlusion"]
    assert occlusion["pictures"] == 2
    assert occlusion["falls"] is True
    assert len(occlusion["probabilities"]) == 5
    assert occlusion["probabilities"][-1] == pytest.approx(0.5)
    assert (occlusion["abstained_pictures"], occlusion["abstains"]) == (2, 1.0)


def test_a_model_that_is_sure_of_nothing_at_all_is_found(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    ladders = measure_behaviour(
        make_predictor(lambda batch: two(np.ones(len(batch), dtype=np.float32))), pictures(2), 2, None
    )["ladders"]

    for ladder in ladders.values():
        assert (ladder["abstained_pictures"], ladder["abstains"], ladder["falls"]) == (0, 0.0, False)


def test_the_negative_label_is_an_honest_end_and_no_beginning(
    make_predictor: MakePredictor, pictures: Callable[..., list[Sample]]
) -> None:
    def red_where_flat(batch: Pictures) -> Pictures:
        return two(np.where(batch.std(axis=(1, 2)).mean(axis=1) > 1, 1.0, 0.0))

    predictor = make_predictor(red_where_flat)

    towards_red = measure_behaviour(predictor, pictures(2), 2, "red")["ladders"]["occlusion"]
    from_blue = measure_behaviour(predictor, pictures(2), 2, "blue")["ladders"]["occlusion"]

    assert (towards_red["pictures"], towards_red["abstains"]) == (2, 1.0)
    assert (from_blue["pictures"], from_blue["abstains"], from_blue["falls"]) == (0, None, False)
    assert from_blue["probabilities"] == []


def test_a_sample_is_spread_over_the_labels_and_is_the_same_each_time() -> None:
    def sample(label: str, number: int) -> Sample:
        return Sample(Path("x"), label, "d", "test", f"{number:064x}", "")

    samples = [
        *(sample("a", 90 - number) for number in range(50)),
        *(sample("b", number) for number in range(3)),
    ]

    chosen = spread(samples, 10)

    assert chosen == spread(samples[::-1], 10)
    assert [each.label for each in chosen] == list("ababab" + "aaaa")
    assert [int(each.sha256, 16) for each in chosen if each.label == "a"] == list(range(41, 48))
    assert spread(samples, 100).__len__() == 53
