import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidWeights
from muffin_v_chihuahua_ml_service.training.published.recipe import Weights
from muffin_v_chihuahua_ml_service.training.published.weights import fetch_weights

if TYPE_CHECKING:
    from tests.ml_service.training.published.conftest import FileServer

CONTENT = b"weights " * 100

MD5 = f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

either_digest = pytest.mark.parametrize("digest", [MD5, SHA256])
wrong_digests = pytest.mark.parametrize("digest", [f"md5:{'0' * 32}", f"sha256:{'0' * 64}"])


@pytest.fixture
def published(server: "FileServer") -> "FileServer":
    """A server with `weights.h5`."""
    (server.folder / "weights.h5").write_bytes(CONTENT)
    return server


@pytest.mark.parametrize("digest", [None, MD5, SHA256])
def test_weights_beside_the_recipe_are_used_where_they_lie(tmp_path: Path, digest: str | None) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "weights.h5").write_bytes(CONTENT)

    found = fetch_weights(Weights(source="../weights.h5", digest=digest), tmp_path / "deeper")

    assert found.samefile(tmp_path / "weights.h5")


@wrong_digests
def test_other_weights_than_the_recipes_are_refused_with_both_digests(tmp_path: Path, digest: str) -> None:
    (tmp_path / "weights.h5").write_bytes(CONTENT)
    found = MD5 if digest.startswith("md5") else SHA256

    with pytest.raises(InvalidWeights, match=f"weights.h5: is {found}, but the recipe wants {digest}"):
        fetch_weights(Weights(source="weights.h5", digest=digest), tmp_path)


def test_weights_that_nobody_has_made_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidWeights, match=r"weights\.h5: there are no such weights"):
        fetch_weights(Weights(source="weights.h5"), tmp_path)


@either_digest
def test_a_download_is_made_once(tmp_path: Path, published: "FileServer", digest: str) -> None:
    weights = Weights(source=published.address("weights.h5"), digest=digest)

    first, second = (fetch_weights(weights, tmp_path, tmp_path) for _ in range(2))

    assert first == second == tmp_path / "models" / "weights.h5"
    assert first.read_bytes() == CONTENT
    assert published.asked == ["/weights.h5"]


@wrong_digests
def test_a_download_that_is_another_file_is_refused_again_and_again(
    tmp_path: Path, published: "FileServer", digest: str
) -> None:
    weights = Weights(source=published.address("weights.h5"), digest=digest)

    for _ in range(2):
        with pytest.raises(InvalidWeights, match=r"weights\.h5: the weights were not downloaded \(.*hash"):
            fetch_weights(weights, tmp_path, tmp_path)

    assert published.asked == ["/weights.h5"] * 2


def test_a_damaged_download_is_made_again(tmp_path: Path, published: "FileServer") -> None:
    weights = Weights(source=published.address("weights.h5"), digest=MD5)
    fetch_weights(weights, tmp_path, tmp_path).write_bytes(CONTENT[:-1])

    assert fetch_weights(weights, tmp_path, tmp_path).read_bytes() == CONTENT


def test_a_server_that_does_not_have_it_is_one_sentence(tmp_path: Path, published: "FileServer") -> None:
    weights = Weights(source=published.address("other.h5"), digest=MD5)

    with pytest.raises(InvalidWeights, match=r"other\.h5: the weights were not downloaded \(.*404"):
        fetch_weights(weights, tmp_path, tmp_path)


def test_a_server_that_is_down_is_one_sentence_and_leaves_nothing_behind(
    tmp_path: Path, server: "FileServer"
) -> None:
    weights = Weights(source=server.address("weights.h5"), digest=MD5)
    server.stop()

    with pytest.raises(InvalidWeights, match=r"the weights were not downloaded \(.*refused"):
        fetch_weights(weights, tmp_path, tmp_path)

    assert list((tmp_path / "models").iterdir()) == []
