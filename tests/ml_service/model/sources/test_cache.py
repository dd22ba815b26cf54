import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import ModelNotFound
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.model.sources.cache import BundleCache

Write = Callable[..., ModelBundle]
Zipped = Callable[..., Path]


def pin(bundle: ModelBundle) -> str:
    """What pins a source to this bundle."""
    return bundle.digest.replace("sha256:", "#sha256=")


@pytest.mark.parametrize("name", ["model.tflite", "golden/red.png", MANIFEST])
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"damaged"), Path.unlink])
def test_a_kept_bundle_that_was_damaged_is_fetched_again(
    fake_bundle: Write, zipped: Zipped, cache: Path, name: str, damage: Callable[[Path], object]
) -> None:
    path = str(zipped(fake_bundle()))
    kept = open_bundle(path, cache)
    damage(kept.folder / name)

    assert open_bundle(path, cache) == kept
    assert ModelBundle.read(kept.folder) == kept
    assert list(cache.glob("incoming/*")) == []


def test_that_a_kept_bundle_was_damaged_is_in_the_log(
    fake_bundle: Write, zipped: Zipped, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(zipped(fake_bundle()))
    kept = open_bundle(path, cache)
    (kept.folder / "model.tflite").write_bytes(b"damaged")

    open_bundle(path, cache)

    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert f"The kept model is not used: {kept.folder / 'model.tflite'}: is not the file" in caplog.text


def test_another_bundle_in_its_place_is_not_taken_for_it(
    fake_bundle: Write, zipped: Zipped, cache: Path
) -> None:
    other = open_bundle(str(zipped(fake_bundle(version="1.0.0"))), cache)
    path = str(zipped(fake_bundle()))
    kept = open_bundle(path, cache)
    kept.folder.rename(kept.folder.with_name("aside"))
    other.folder.rename(kept.folder)

    assert open_bundle(path, cache) == kept


@pytest.mark.parametrize("below", ["", "bundles", "incoming"])
def test_a_cache_that_cannot_be_written_says_what_to_set(
    fake_bundle: Write, zipped: Zipped, cache: Path, below: str
) -> None:
    path = zipped(fake_bundle())
    in_the_way = cache / below
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_bytes(b"")

    with pytest.raises(
        ModelNotFound, match=r"cache.*: no model can be kept here \(.+\); ML_SERVICE_CACHE names another"
    ):
        open_bundle(str(path), cache)


def test_a_bundle_that_cannot_be_put_in_its_place_is_no_endless_attempt(
    fake_bundle: Write, cache: Path
) -> None:
    gone = fake_bundle()
    gone.folder.rename(gone.folder.with_name("elsewhere"))

    with pytest.raises(ModelNotFound, match="no model can be kept here"), BundleCache(cache).scratch():
        BundleCache(cache).keep(gone)


def test_a_bundle_is_mended_in_its_place_where_others_may_be_reading_it(
    fake_bundle: Write, zipped: Zipped, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(zipped(fake_bundle()))
    kept = open_bundle(path, cache)
    monkeypatch.setattr(BundleCache, "find", lambda *_: None)  # damaged when it looked, mended since
    folder = kept.folder.stat().st_ino

    assert open_bundle(path, cache) == kept
    assert kept.folder.stat().st_ino == folder
    assert ModelBundle.read(kept.folder) == kept


OPEN = """
import sys
from pathlib import Path

from muffin_v_chihuahua_ml_service.model.sources import open_bundle

bundle = open_bundle(sys.argv[1], Path(sys.argv[2]))
print(bundle.digest, bundle.read(bundle.folder) == bundle)
"""


@pytest.mark.parametrize("damaged", [False, True])
def test_two_processes_at_once_both_end_with_a_good_bundle(
    fake_bundle: Write, web: Any, cache: Path, *, damaged: bool
) -> None:
    bundle = fake_bundle()
    source = web.publish(bundle) + pin(bundle)
    if damaged:
        (open_bundle(source, cache).folder / "model.tflite").write_bytes(b"damaged")
        web.asked.clear()
    web.meeting = threading.Barrier(2)

    line = [sys.executable, "-c", OPEN, source, str(cache)]
    pair = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(2)]  # noqa: S603
    said = [process.communicate(timeout=60)[0] for process in pair]

    assert said == [f"{bundle.digest} True\n"] * 2
    assert web.asked.count("/bundle/model.tflite") == 2
    assert [path.name for path in cache.glob("bundles/*")] == [bundle.digest.removeprefix("sha256:")]
    assert list(cache.glob("incoming/*")) == []
