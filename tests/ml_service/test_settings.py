import os
from pathlib import Path

import pytest
from platformdirs import user_cache_path
from pydantic import ValidationError

from muffin_v_chihuahua_ml_service.settings import Settings, usable_cores


def test_nothing_has_to_be_set() -> None:
    settings = Settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.model is None
    assert settings.cache == user_cache_path("muffin-v-chihuahua-ml-service", appauthor=False)
    assert settings.engine == "auto"
    assert settings.threads == usable_cores()
    assert settings.max_picture_bytes == 10 * 1024 * 1024
    assert settings.max_picture_pixels == 50_000_000


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - not opened
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("model", "some-name", "some-name"),
        ("model", "", None),
        ("cache", "/var/cache/models", Path("/var/cache/models")),
        ("engine", "tensorflow", "tensorflow"),
        ("threads", "3", 3),
        ("max_picture_bytes", "1", 1),
        ("max_picture_pixels", "2", 2),
    ],
)
def test_everything_can_be_set_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(f"ML_SERVICE_{name.upper()}", value)

    assert getattr(Settings(), name) == expected


def test_there_is_no_setting_that_is_not_tested_above() -> None:
    assert Settings.model_fields.keys() == {
        "host",
        "port",
        "model",
        "cache",
        "engine",
        "threads",
        "max_picture_bytes",
        "max_picture_pixels",
    }


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "http"),
        ("engine", "steam"),
        ("threads", "0"),
        ("max_picture_bytes", "0"),
        ("max_picture_pixels", "-5"),
    ],
)
def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ML_SERVICE_{name.upper()}", value)

    with pytest.raises(ValidationError, match=name):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_no_more_cores_are_used_than_there_are() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
