import json
import re
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile, ZipInfo

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, MLServiceError, ModelNotFound
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import archives, fetching, open_bundle

Write = Callable[..., ModelBundle]
Zipped = Callable[..., Path]


@pytest.mark.parametrize("name", ["model.zip", "model-1.0.0-py3-none-any.whl", "MODEL.ZIP"])
@pytest.mark.parametrize("below", ["", "a_package/", "deep/er/"])
def test_an_archive_is_unpacked_from_its_root_or_from_one_folder(
    fake_bundle: Write, zipped: Zipped, cache: Path, below: str, name: str
) -> None:
    bundle = fake_bundle()

    opened = open_bundle(str(zipped(bundle, below, name)), cache)

    assert (opened.manifest, opened.digest) == (bundle.manifest, bundle.digest)
    assert opened.folder == cache / "bundles" / bundle.digest.removeprefix("sha256:")
    assert list(cache.glob("incoming/*")) == []


def test_only_what_the_manifest_lists_is_written(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    bundle = fake_bundle()
    path = zipped(bundle, "package/")
    with ZipFile(path, "a") as archive:
        archive.writestr("package/__init__.py", "raise SystemExit")
        archive.writestr("package-1.0.0.dist-info/RECORD", "")

    folder = open_bundle(str(path), cache).folder

    written = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert written == {MANIFEST, *bundle.manifest.files}


def test_what_is_there_already_is_not_unpacked_again(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    path = str(zipped(fake_bundle()))
    folder = open_bundle(path, cache).folder
    first = (folder / MANIFEST).stat().st_mtime_ns, folder.stat().st_ino

    open_bundle(path, cache)

    assert ((folder / MANIFEST).stat().st_mtime_ns, folder.stat().st_ino) == first


def refused(path: Path, cache: Path, reason: str) -> None:
    """One sentence that names the archive, and nothing written."""
    with pytest.raises(InvalidBundle, match=f"^{re.escape(str(path))}: .*{reason}") as caught:
        open_bundle(str(path), cache)
    assert "\n" not in str(caught.value)
    assert not list(cache.glob("bundles/*"))
    assert not list(cache.glob("incoming/*"))


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "a/../../outside",
        "a/..",
        "/etc/outside",
        "//host/outside",
        "C:/outside",
        "C:outside",
        r"..\outside",
        r"a\b",
        "./a",
        "a//b",
        "a\nb",
    ],
)
def test_a_member_that_could_land_elsewhere_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, name: str
) -> None:
    path = zipped(fake_bundle())
    with ZipFile(path, "a") as archive:
        archive.writestr(name, b"outside")

    refused(path, cache, f"{re.escape(repr(name))} is not a path inside the archive")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_link_or_a_device_is_refused(fake_bundle: Write, zipped: Zipped, cache: Path, kind: int) -> None:
    path, link = zipped(fake_bundle()), ZipInfo("golden/link")
    link.external_attr = (kind | 0o777) << 16
    with ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/hostname")

    refused(path, cache, "'golden/link' is a link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["model.tflite", "model.tflite/", MANIFEST])
def test_two_members_of_one_name_are_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, name: str
) -> None:
    path = zipped(fake_bundle())
    with ZipFile(path, "a") as archive:
        archive.writestr(name, b"")

    refused(path, cache, f"'{name.removesuffix('/')}' is there twice")


@pytest.mark.parametrize("compression", [ZIP_BZIP2, ZIP_LZMA])
def test_a_compression_that_cannot_be_stopped_anywhere_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, compression: int
) -> None:
    path = zipped(fake_bundle())
    with ZipFile(path, "a") as archive:
        archive.writestr("more", b"", compression)

    refused(path, cache, "'more' is compressed in a way that is not read")


def central_entry(content: bytearray, name: str) -> int:
    """Where the archive's directory has this member: APPNOTE.TXT of the ZIP format, section 4.3.12."""
    return content.rindex(name.encode()) - 46


def test_an_encrypted_member_is_refused(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    path = zipped(fake_bundle())
    content = bytearray(path.read_bytes())
    content[central_entry(content, "model.tflite") + 8] |= 1
    path.write_bytes(content)

    refused(path, cache, "'model.tflite' is encrypted")


def claiming(path: Path, size: int) -> Path:
    """Let the archive's directory say that the network's artefact unpacks to so many bytes."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, central_entry(content, "model.tflite") + 24, size)
    path.write_bytes(content)
    return path


def test_a_header_that_claims_less_is_refused(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    refused(claiming(zipped(fake_bundle()), 3), cache, r"model\.tflite: is damaged \(.+\)")


def test_a_header_that_claims_too_much_is_not_believed(
    fake_bundle: Write, zipped: Zipped, cache: Path
) -> None:
    bundle = fake_bundle()

    assert open_bundle(str(claiming(zipped(bundle), 2**32 - 2)), cache).digest == bundle.digest


def repacked(path: Path, changes: dict[str, bytes | None]) -> Path:
    """Write the archive again with other contents, or without those members that become None."""
    with ZipFile(path) as archive:
        contents: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in (contents | changes).items():
            if content is not None:
                archive.writestr(name, content)
    return path


def test_a_missing_member_is_named(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    path = repacked(zipped(fake_bundle(), "in/"), {"in/golden/red.png": None})

    refused(path, cache, r"in/golden/red\.png: the manifest lists it, but it is not there")


@pytest.mark.parametrize("content", [b"no netwerk", b"short"])
def test_a_changed_member_is_named(fake_bundle: Write, zipped: Zipped, cache: Path, content: bytes) -> None:
    path = repacked(zipped(fake_bundle(), "in/"), {"in/model.tflite": content})

    refused(path, cache, r"in/model\.tflite: is not the file that the manifest lists")


def test_a_member_that_goes_on_is_refused(fake_bundle: Write, zipped: Zipped, cache: Path) -> None:
    path = repacked(zipped(fake_bundle()), {"model.tflite": bytes(5_000_000)})

    refused(path, cache, r"model\.tflite: is larger than the 10 bytes that it may have")


def test_of_a_member_that_goes_on_no_more_is_written_than_it_may_have(
    fake_bundle: Write, zipped: Zipped, tmp_path: Path
) -> None:
    path = repacked(zipped(fake_bundle()), {"model.tflite": bytes(5_000_000)})

    with archives.open_archive(path, "name") as archive, pytest.raises(InvalidBundle, match="2500000 bytes"):
        archive.fetch("model.tflite", tmp_path / "target", 2_500_000)

    assert 0 < (tmp_path / "target").stat().st_size <= 2_500_000


def test_a_manifest_that_goes_on_and_on_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(fake_bundle())
    monkeypatch.setattr(fetching, "MAX_MANIFEST_BYTES", 100)

    refused(path, cache, r"model\.json: is larger than the 100 bytes")


def test_a_bundle_with_more_bytes_than_the_limit_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(fake_bundle())
    monkeypatch.setattr(fetching, "MAX_BYTES", 20)

    refused(path, cache, r"model\.json: lists 5 files of \d+ bytes; at most 10000 of 20 are fetched")


def test_a_bundle_with_more_files_than_the_limit_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(fake_bundle())
    monkeypatch.setattr(fetching, "MAX_FILES", 4)

    refused(path, cache, r"model\.json: lists 5 files")


def test_an_archive_with_more_files_than_the_limit_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(fake_bundle())
    monkeypatch.setattr(archives, "MAX_FILES", 6)

    refused(path, cache, "holds 7 files; at most 6")


@pytest.mark.parametrize("name", ["model.tflite/more", f"{MANIFEST}/more"])
def test_a_manifest_that_lists_a_file_as_a_folder_too_is_refused(
    fake_bundle: Write, zipped: Zipped, cache: Path, name: str
) -> None:
    path = zipped(fake_bundle())
    with ZipFile(path) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    manifest["files"][name] = {"sha256": "0" * 64, "size": 0}
    repacked(path, {MANIFEST: json.dumps(manifest).encode(), name: b""})

    refused(path, cache, f"{name.removesuffix('/more')} is both a file and a folder")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "should be at its root or in one folder, but is nowhere"),
        ({"a/other.json": b"{}", "a/notmodel.json": b"{}"}, "but is nowhere"),
        ({"a/model.json": b"{}", "b/model.json": b"{}"}, "but is in a/, b/"),
        ({"a/model.json": b"{}", "a/b/model.json": b"{}"}, "but is in a/, a/b/"),
        ({"a/model.json": b"{"}, r"a/model\.json: not JSON"),
        ({"a/model.json": b"[" * 100_000}, r"a/model\.json: not JSON"),
        ({"model.json": b'{"format_version": 5}'}, r"model\.json: format_version 5 is unknown"),
    ],
)
def test_an_archive_without_one_bundle_is_refused(
    tmp_path: Path, cache: Path, members: dict[str, bytes], reason: str
) -> None:
    with ZipFile(tmp_path / "model.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)

    refused(tmp_path / "model.zip", cache, reason)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path: Path, cache: Path, content: bytes) -> None:
    path = tmp_path / "model.whl"
    path.write_bytes(content)

    refused(path, cache, "is no zip archive, or a damaged one")


def test_an_archive_that_is_not_there_is_no_model(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"nothing\.zip: cannot be read \(No such file or directory\)"):
        open_bundle(str(tmp_path / "nothing.zip"), cache)


def test_whatever_is_wrong_with_an_archive_is_said_in_one_sentence(
    fake_bundle: Write, zipped: Zipped, tmp_path: Path
) -> None:
    """Every 7th byte is changed in turn, which once is each field of each header."""
    bundle = fake_bundle()
    path = zipped(bundle)
    content = path.read_bytes()
    opened = 0
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            opened += open_bundle(str(path), tmp_path / f"cache-{place}").digest == bundle.digest
        except MLServiceError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - not every change is refused

    assert 0 < opened < len(content) // 14
