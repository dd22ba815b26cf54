import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from random import Random

import pytest

from muffin_v_chihuahua import handed_in as module
from muffin_v_chihuahua.answers import NotSent
from muffin_v_chihuahua.handed_in import (
    BrokenMember,
    BrokenZip,
    CrowdedZip,
    EmptyZip,
    LockedMember,
    OddMember,
    TooLarge,
    handed_in,
)

LARGEST = 1000


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def read(name: str, content: bytes) -> dict[str, bytes | type[NotSent]]:
    """What is in it by name: its bytes, or the kind of error."""
    found: dict[str, bytes | type[NotSent]] = {}
    for each in handed_in(name, content, LARGEST):
        try:
            found[each.name] = each.read()
        except NotSent as error:
            found[each.name] = type(error)
    return found


def test_a_file_is_itself() -> None:
    assert read("holiday/rex.jpg", b"rex") == {"holiday/rex.jpg": b"rex"}


def test_a_file_over_the_limit_is_not_read_on() -> None:
    assert read("rex.jpg", b"x" * LARGEST) == {"rex.jpg": b"x" * LARGEST}
    assert read("rex.jpg", b"x" * (LARGEST + 1)) == {"rex.jpg": TooLarge}


def test_a_name_without_end_is_cut() -> None:
    (each,) = handed_in("x" * 5000 + ".jpg", b"", LARGEST)
    assert len(each.name) == 200
    assert each.name.endswith(".jpg")


@pytest.mark.parametrize("name", ["holiday.zip", "without a suffix"])
def test_a_zip_is_the_files_in_it_in_their_order(name: str) -> None:
    assert read(name, zipped({"b/rex.jpg": b"rex", "a.png": b"a"})) == {"b/rex.jpg": b"rex", "a.png": b"a"}


def test_folders_hidden_files_and_what_computers_add_are_left_out() -> None:
    files = ["a/", "__MACOSX/._rex.jpg", ".hidden/rex.jpg", "a/.DS_Store", "a/Thumbs.db", "a/rex.jpg"]
    assert list(read("z.zip", zipped(dict.fromkeys(files, b"")))) == ["a/rex.jpg"]
    assert not list(handed_in("folder/.DS_Store", b"", LARGEST))


def test_an_empty_zip_says_so() -> None:
    assert read("z.zip", zipped({})) == {"z.zip": EmptyZip}
    assert read("z.zip", zipped({".hidden": b""})) == {"z.zip": EmptyZip}


def test_what_only_calls_itself_a_zip_is_one_sentence() -> None:
    assert read("z.ZIP", b"no zip") == {"z.ZIP": BrokenZip}
    assert read("z.zip", b"PK\x03\x04 and no more") == {"z.zip": BrokenZip}


def test_a_member_over_the_limit_fails_alone() -> None:
    content = zipped({"bomb.jpg": bytes(50_000_000), "good.jpg": b"good"})
    assert len(content) < 100_000
    assert read("z.zip", content) == {"bomb.jpg": TooLarge, "good.jpg": b"good"}


def test_no_more_of_a_member_is_unpacked_than_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    unpack = zipfile.ZipExtFile.read

    def counted(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        asked.append(n or 0)
        return unpack(self, n)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert read("z.zip", zipped({"bomb.jpg": bytes(50_000_000)})) == {"bomb.jpg": TooLarge}
    assert asked == [LARGEST + 1]


def test_a_member_that_lies_about_its_size_fails_alone() -> None:
    honest = zipped({"a.jpg": b"a" * 900, "b.jpg": b"b"}, zipfile.ZIP_STORED)
    lying = honest.replace(struct.pack("<II", 900, 900), struct.pack("<II", 2**31, 3))
    assert lying != honest
    assert read("z.zip", lying) == {"a.jpg": BrokenMember, "b.jpg": b"b"}


def test_a_damaged_member_fails_alone() -> None:
    content = zipped({"a.jpg": b"a" * 900, "b.jpg": b"b"}, zipfile.ZIP_STORED)
    damaged = content.replace(b"a" * 900, b"a" * 899 + b"!")
    assert read("z.zip", damaged) == {"a.jpg": BrokenMember, "b.jpg": b"b"}


def test_a_member_with_a_password_fails_alone() -> None:
    content = bytearray(zipped({"a.jpg": b"a", "b.jpg": b"b"}, zipfile.ZIP_STORED))
    content[6] |= 1  # the first member's flags
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert read("z.zip", bytes(content)) == {"a.jpg": LockedMember, "b.jpg": b"b"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_may_ask_for_any_memory_is_not_unpacked(compression: int) -> None:
    assert read("z.zip", zipped({"a.jpg": b"a"}, compression)) == {"a.jpg": OddMember}


def test_a_zip_in_a_zip_is_one_file() -> None:
    inner = zipped({"a.jpg": b"a"})
    assert read("z.zip", zipped({"inner.zip": inner})) == {"inner.zip": inner}


def test_a_zip_with_too_many_files_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 3)
    assert len(read("z.zip", zipped(dict.fromkeys("abc", b"")))) == 3
    assert read("z.zip", zipped(dict.fromkeys("abcd", b""))) == {"z.zip": CrowdedZip}


def test_names_that_lead_elsewhere_are_only_names() -> None:
    names = {"/etc/passwd": b"1", "../../up.jpg": b"2"}
    assert read("z.zip", zipped(names)) == names


def test_a_member_without_a_name_is_left_out() -> None:
    content = zipped({"a": b"a", "b.jpg": b"b"}).replace(b"a", b"\0")
    assert list(read("z.zip", content)) == ["b.jpg"]


def test_whatever_bytes_a_zip_has_nothing_but_a_sentence_comes_of_it() -> None:
    random = Random(5)  # noqa: S311 - the same bytes each time
    good = zipped({"a/rex.jpg": b"rex" * 100, "b.png": bytes(500), "ü.gif": b"g"})
    for _ in range(3000):
        content = bytearray(good)
        for _ in range(random.randint(1, 6)):
            content[random.randrange(len(content))] = random.randrange(256)
        read("z.zip", bytes(content[: random.choice([len(content), random.randrange(len(content))])]))
