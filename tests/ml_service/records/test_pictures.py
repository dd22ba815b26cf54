from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from muffin_v_chihuahua_ml_service.errors import RecordsUnavailable
from muffin_v_chihuahua_ml_service.model.pictures.opening import FORMATS
from muffin_v_chihuahua_ml_service.records.pictures import KeptPictures, place_of

ID = "01KAGSZ6M0Q6DTFVZ5DPQ8J3WB"
PLACES = [f"{day}/{ID}.png" for day in ("2025-11-19", "2025-11-20", "2025-11-21")]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an empty folder in a bucket."""
    import s3fs  # noqa: PLC0415 - only here

    host, port = s3_server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"kept-{tmp_path.name.replace('_', '-').lower()}"
    s3fs.S3FileSystem().mkdir(bucket)
    return f"s3://{bucket}/pictures"


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> KeptPictures:
    """A place for pictures that is empty: a folder that is not there yet, then a bucket."""
    place = str(tmp_path / "a" / "kept") if request.param == "folder" else request.getfixturevalue("s3")
    return KeptPictures(place)


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_has_its_suffix(
    encode: Callable[..., bytes], draw: Callable[..., Image.Image], kind: str
) -> None:
    place = place_of(ID, datetime(2025, 11, 21, 0, 30, tzinfo=UTC), encode(draw(), kind))

    assert place == f"2025-11-21/{ID}.{kind.lower().replace('jpeg', 'jpg')}"


def test_what_is_kept_can_be_read_and_deleted(kept: KeptPictures) -> None:
    kept.keep(dict(zip(PLACES, (b"1", b"2", b"3"), strict=True)))

    assert [kept.read(place) for place in PLACES] == [b"1", b"2", b"3"]
    kept.delete(PLACES[0])
    kept.delete(PLACES[0])
    assert kept.read(PLACES[0]) is None


def test_what_was_kept_before_a_day_can_be_deleted_with_its_folders(kept: KeptPictures) -> None:
    kept.keep(dict.fromkeys(PLACES, b"picture"))
    kept.keep({"2025-11-19/holiday.png": b"somebody else's"})

    for _ in range(2):
        kept.delete_before(date(2025, 11, 21))

    assert [kept.read(place) for place in PLACES] == [None, None, b"picture"]
    assert kept.read("2025-11-19/holiday.png") == b"somebody else's"


def test_nothing_is_to_be_deleted_where_nothing_was_kept(kept: KeptPictures) -> None:
    kept.delete_before(date(2025, 11, 21))


def test_a_bucket_that_is_not_there_keeps_nothing(s3: str) -> None:
    with pytest.raises(RecordsUnavailable, match=r"s3://other/kept: cannot be used \(The specified bucket"):
        KeptPictures(s3.partition("kept")[0] + "other/kept").keep({PLACES[0]: b""})
