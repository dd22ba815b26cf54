import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, ModelNotFound
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

Write = Callable[..., ModelBundle]
Zipped = Callable[..., Path]


def pin(bundle: ModelBundle) -> str:
    """What pins a source to this bundle."""
    return bundle.digest.replace("sha256:", "#sha256=")


def test_a_folder_is_read_where_it_lies(fake_bundle: Write, cache: Path) -> None:
    written = fake_bundle()

    assert open_bundle(str(written.folder), cache) == written
    assert not cache.exists()


def test_a_folder_may_have_a_hash_in_its_name(fake_bundle: Write, tmp_path: Path) -> None:
    folder = fake_bundle().folder.rename(tmp_path / "take #2")

    assert open_bundle(str(folder)).folder == folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_pinned_bundle_is_the_one_with_that_digest(
    fake_bundle: Write, zipped: Zipped, cache: Path, *, packed: bool
) -> None:
    bundle = fake_bundle()
    source = zipped(bundle) if packed else bundle.folder

    assert open_bundle(f"{source}{pin(bundle)}", cache).digest == bundle.digest
    assert open_bundle(f"{source}{pin(bundle).upper().replace('SHA', 'sha')}", cache).digest == bundle.digest


@pytest.mark.parametrize("packed", [False, True])
def test_another_digest_than_the_pinned_one_is_refused_and_both_are_named(
    fake_bundle: Write, zipped: Zipped, cache: Path, *, packed: bool
) -> None:
    bundle = fake_bundle()
    source = zipped(bundle) if packed else bundle.folder

    with pytest.raises(InvalidBundle, match=f"digest is {bundle.digest}, but sha256:0{{64}} was asked for"):
        open_bundle(f"{source}#sha256={'0' * 64}", cache)

    assert not list(cache.glob("bundles/*"))


@pytest.mark.parametrize(
    "source",
    [
        "models/folds#sha256=",
        "models/folds#sha256=abc",
        f"models/folds#sha256={'g' * 64}",
        f"models/folds#sha256={'0' * 65}",
        f"models/folds#sha256:{'0' * 64}",
        f"models/folds#sha256={'0' * 64}#sha256={'0' * 64}",
        f"https://models.example/folds#md5={'0' * 32}",
        "https://models.example/folds#",
        "models:/folds/1#1",
    ],
)
def test_a_pin_that_is_no_digest_says_what_a_pin_is(source: str, cache: Path) -> None:
    with pytest.raises(InvalidBundle, match=rf"^{re.escape(source)}: .*a pin is #sha256= and 64 hexadecimal"):
        open_bundle(source, cache)


def test_what_is_wrong_with_a_pin_is_said_without_what_may_be_a_secret(cache: Path) -> None:
    with pytest.raises(
        InvalidBundle, match=r"^https://models\.example/folds: what follows the # is no digest"
    ):
        open_bundle("https://me:secret@models.example/folds?token=secret#sha256=1", cache)


@pytest.mark.usefixtures("install")
def test_what_is_nothing_of_all_that_says_so(cache: Path) -> None:
    with pytest.raises(ModelNotFound, match="'no-such-model' is neither a folder with a"):
        open_bundle("no-such-model", cache)


def test_by_default_what_is_fetched_is_kept_in_the_users_cache(
    fake_bundle: Write, zipped: Zipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of-the-user"))
    monkeypatch.setenv("HOME", str(tmp_path / "of-the-user"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "of-the-user"))

    assert "of-the-user" in open_bundle(str(zipped(fake_bundle()))).folder.parts


FROM_A_FOLDER = """
import sys

import muffin_v_chihuahua_ml_service.__main__
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

open_bundle(sys.argv[1])
print({"aiohttp", "fsspec", "mlflow", "s3fs"} & sys.modules.keys())
"""

WITHOUT_THE_EXTRAS = """
import sys
from pathlib import Path

from muffin_v_chihuahua_ml_service.errors import ModelNotFound
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

sys.modules.update(dict.fromkeys(["s3fs", "mlflow", "gcsfs"]))  # as if they were not installed
for source in ("s3://models/folds", "models:/folds/1", "gs://models/folds", "nothing-known://models/folds"):
    try:
        open_bundle(source, Path(sys.argv[1]))
    except ModelNotFound as error:
        print(error)
"""


def lines_of(script: str, *arguments: object) -> list[str]:
    line = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()  # noqa: S603


def test_who_serves_a_folder_waits_for_no_client_to_be_imported(fake_bundle: Write) -> None:
    assert lines_of(FROM_A_FOLDER, fake_bundle().folder) == ["set()"]


def test_without_the_package_that_an_address_needs_it_says_how_to_install_it(cache: Path) -> None:
    s3, mlflow, google, unknown = lines_of(WITHOUT_THE_EXTRAS, cache)

    assert s3.startswith("s3://models/folds needs ")
    assert s3.endswith(": pip install 'muffin-v-chihuahua-ml-service[s3]'")
    assert mlflow == "models:/folds/1 needs mlflow: pip install 'muffin-v-chihuahua-ml-service[mlflow]'"
    assert re.fullmatch(r"gs://models/folds needs .*: .*install gcsfs.*", google)
    assert unknown.startswith("nothing-known://models/folds: cannot be reached (Protocol not known")
