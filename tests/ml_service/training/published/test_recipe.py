from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration
from muffin_v_chihuahua_ml_service.training.networks.efficientnet_lite import PREPROCESSING
from muffin_v_chihuahua_ml_service.training.published.recipe import Recipe, Weights
from muffin_v_chihuahua_ml_service.training.published.source import NETWORKS
from muffin_v_chihuahua_ml_service.training.yaml_file import read_yaml

ADDRESS = "http://127.0.0.1/weights.h5"


def test_each_network_has_a_recipe_which_is_named_like_its_folder(shipped_recipes: dict[str, Path]) -> None:
    recipes = {name: read_yaml(Recipe, path) for name, path in shipped_recipes.items()}

    assert {recipe.network for recipe in recipes.values()} == NETWORKS.keys()
    assert {name: recipe.name for name, recipe in recipes.items()} == {name: name for name in recipes}


def test_pictures_are_prepared_as_the_network_learnt_them(shipped_recipes: dict[str, Path]) -> None:
    recipe = read_yaml(Recipe, shipped_recipes["imagenet-efficientnet-lite0"])

    assert recipe.preprocessing == PREPROCESSING


def test_inceptions_crop_has_the_usual_share_of_the_picture(shipped_recipes: dict[str, Path]) -> None:
    how = read_yaml(Recipe, shipped_recipes["imagenet-inception-v3"]).preprocessing

    assert (how.width, how.height) == (299, 299)
    assert how.width / how.resize_shorter_side == pytest.approx(0.875, abs=0.002)


@pytest.mark.parametrize("digest", [f"md5:{'0' * 32}", f"sha256:{'0' * 64}"])
def test_a_download_is_known_again_by_either_digest(digest: str) -> None:
    assert Weights(source=ADDRESS, digest=digest).is_remote


def test_a_path_can_do_without_a_digest() -> None:
    assert not Weights(source="../weights.h5").is_remote


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weights": {"source": ADDRESS}}, "weights: Value error, an address needs a digest"),
        ({"weights": {"source": ADDRESS, "digest": "md5:0"}}, "weights.digest: String should match"),
        ({"weights": {"source": ""}}, "weights.source: String should have at least 1 character"),
        ({"weights": {}}, "weights.source: Field required"),
        ({"labels": ["cat"]}, "labels: Extra inputs are not permitted"),
        ({"preprocessing": {"width": 0}}, "preprocessing.width: Input should be greater than 0"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_with_the_place(
    write_recipe: Callable[..., Path], changes: dict[str, Any], reason: str
) -> None:
    path = write_recipe(**changes) / "recipe.yaml"

    with pytest.raises(InvalidConfiguration) as refusal:
        read_yaml(Recipe, path)

    assert str(refusal.value).startswith(f"{path}: ")
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"- name", "expected names with values"),
        (b"name: [", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"", "name: Field required"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "recipe.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidConfiguration, match=reason):
        read_yaml(Recipe, path)
