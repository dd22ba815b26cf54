from collections.abc import Callable
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, ModelNotFound
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

Install = Callable[..., None]


def test_a_folder_with_a_damaged_bundle_is_not_taken_for_a_name(
    fake_bundle: Callable[..., ModelBundle],
) -> None:
    folder = fake_bundle().folder
    (folder / "model.tflite").write_bytes(b"damaged")

    with pytest.raises(InvalidBundle, match=r"model\.tflite"):
        open_bundle(str(folder))


@pytest.mark.parametrize("source", [None, "fake-model"])
def test_an_installed_model_is_found_by_its_name_or_as_the_only_one(
    install: Install, source: str | None
) -> None:
    install("fake-model")

    assert open_bundle(source).manifest.name == "fake-model"


def test_of_several_installed_models_one_is_found_by_its_name(install: Install) -> None:
    install("model-a")
    install("model-b")

    assert open_bundle("model-b").manifest.name == "model-b"


def test_several_installed_models_are_named_where_none_was_asked_for(install: Install) -> None:
    install("model-b")
    install("model-a")

    with pytest.raises(ModelNotFound, match=r"Say which model .*ML_SERVICE_MODEL.*\(model-a, model-b\)"):
        open_bundle(None)


@pytest.mark.usefixtures("install")
def test_where_no_model_is_installed_it_says_so() -> None:
    with pytest.raises(ModelNotFound, match=r"Say which model .* \(none\)"):
        open_bundle(None)


def test_a_name_that_is_not_installed_is_answered_with_those_that_are(install: Install) -> None:
    install("model-a")

    with pytest.raises(ModelNotFound, match=r"'model-x' is neither a folder .*\(installed: model-a\)"):
        open_bundle("model-x")


def test_a_folder_without_a_bundle_is_answered_with_what_is_missing(install: Install, tmp_path: Path) -> None:
    install("model-a")

    with pytest.raises(ModelNotFound, match=r"neither a folder with a model\.json nor an installed model"):
        open_bundle(str(tmp_path))


@pytest.mark.parametrize("package", ["not_there", "not_there.at_all"])
def test_an_installed_model_whose_package_is_gone_says_so(install: Install, package: str) -> None:
    install("model-a", package)

    with pytest.raises(ModelNotFound, match=f"'model-a' names the package '{package}', which is not there"):
        open_bundle(None)
