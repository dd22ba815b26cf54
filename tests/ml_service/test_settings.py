import os
from pathlib import Path

import pytest
from platformdirs import user_cache_path, user_data_path
from pydantic import SecretStr, ValidationError

from muffin_v_chihuahua_ml_service import settings as module
from muffin_v_chihuahua_ml_service.settings import PictureLimits, Settings, usable_cores


def test_nothing_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_SERVICE_DATABASE_URL")
    settings = Settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.model is None
    assert settings.cache == user_cache_path("muffin-v-chihuahua-ml-service", appauthor=False)
    assert settings.engine == "auto"
    assert settings.precision == "auto"
    data = user_data_path("muffin-v-chihuahua-ml-service", appauthor=False)
    assert settings.database_url.get_secret_value() == f"sqlite:///{data}/records.db"
    assert settings.keeps_records
    assert (settings.keep_pictures, settings.keep_days) == (None, 90)
    assert settings.streams == usable_cores() // settings.workers
    assert settings.threads == 1
    assert settings.batch_size is None
    assert settings.max_picture_bytes == 10 * 1024 * 1024
    assert settings.max_picture_pixels == 50_000_000
    assert settings.max_picture_frames == 1000
    assert settings.decoding_bytes == 256 * 1024 * 1024
    assert settings.body_timeout_ms == 30_000


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - not opened
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("workers", "4", 4),
        ("model", "some-name", "some-name"),
        ("model", "", None),
        ("cache", "/var/cache/models", Path("/var/cache/models")),
        ("engine", "openvino", "openvino"),
        ("precision", "bf16", "bf16"),
        ("streams", "4", 4),
        ("batch_size", "8", 8),
        ("threads", "3", 3),
        ("max_picture_bytes", "1", 1),
        ("max_picture_pixels", "2", 2),
        ("log_format", "json", "json"),
        ("log_level", "warning", "warning"),
        ("max_wait_ms", "250", 250),
        ("max_held_bytes", "1000", 1000),
        ("timeout_ms", "5000", 5000),
        ("engine_timeout_ms", "700", 700),
        ("explain_ms", "400", 400),
        ("rollback_s", "60", 60),
        ("drain_ms", "0", 0),
        ("grace_s", "5", 5),
        ("admin_key", "secret", SecretStr("secret")),
        ("admin_key", "", None),
        ("max_picture_frames", "3", 3),
        ("decoding_bytes", "4", 4),
        ("body_timeout_ms", "5", 5),
        ("database_url", "off", SecretStr("off")),
        ("keep_pictures", "s3://bucket/kept", "s3://bucket/kept"),
        ("keep_days", "0", 0),
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
        "database_url",
        "keep_pictures",
        "keep_days",
        "port",
        "workers",
        "model",
        "cache",
        "engine",
        "precision",
        "streams",
        "threads",
        "batch_size",
        "max_picture_bytes",
        "max_picture_pixels",
        "log_format",
        "log_level",
        "max_wait_ms",
        "max_held_bytes",
        "timeout_ms",
        "engine_timeout_ms",
        "explain_ms",
        "rollback_s",
        "drain_ms",
        "grace_s",
        "admin_key",
        "max_picture_frames",
        "decoding_bytes",
        "body_timeout_ms",
    }


def test_what_a_picture_may_be_is_set_in_one_piece() -> None:
    settings = Settings(max_picture_pixels=1, max_picture_frames=2, decoding_bytes=3)

    assert settings.picture_limits == PictureLimits(pixels=1, frames=2, memory=3)
    assert Settings().picture_limits == PictureLimits()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "http"),
        ("workers", "0"),
        ("engine", "steam"),
        ("precision", "f16"),
        ("threads", "0"),
        ("streams", "0"),
        ("batch_size", "0"),
        ("max_picture_bytes", "0"),
        ("max_picture_pixels", "-5"),
        ("log_format", "xml"),
        ("log_level", "loud"),
        ("max_wait_ms", "0"),
        ("max_held_bytes", "0"),
        ("timeout_ms", "0"),
        ("engine_timeout_ms", "0"),
        ("explain_ms", "0"),
        ("rollback_s", "0"),
        ("drain_ms", "-1"),
        ("grace_s", "0"),
        ("max_picture_frames", "0"),
        ("decoding_bytes", "0"),
        ("body_timeout_ms", "0"),
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


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"),
    [
        (8, "max 100000", 8),
        (8, "250000 100000", 3),
        (8, "200000 100000", 2),
        (8, "5000 100000", 1),
        (2, "400000 100000", 2),
        (1, "150000 100000", 1),
    ],
)
def test_no_more_cores_are_used_than_the_container_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, affinity: int, quota: str, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)))
    for name, content in (("proc/self/cgroup", "0::/"), ("sys/fs/cgroup/cpu.max", quota)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content + "\n")

    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (4, 4), (16, 4)])
def test_unless_it_is_set_each_core_has_a_process_up_to_four(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int
) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: cores)

    settings = Settings()

    assert (settings.workers, settings.streams, settings.decoders) == (
        workers,
        cores // workers,
        cores // workers,
    )


@pytest.mark.parametrize(
    ("cores", "workers", "share"), [(1, 1, 1), (4, 1, 4), (4, 2, 2), (5, 2, 2), (2, 8, 1)]
)
def test_each_process_gets_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, share: int
) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: cores)

    settings = Settings(workers=workers)

    assert (settings.streams, settings.decoders) == (share, share)


def test_another_process_can_be_given_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        workers=2,
        model="folds",
        engine="litert",
        cache=Path("/cache"),
        admin_key=SecretStr("secret"),
        drain_ms=0,
    )
    environment = settings.as_environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings
    assert Settings(model=None).as_environment() == {
        name: value for name, value in environment.items() if name != "ML_SERVICE_MODEL"
    }


def test_the_admin_key_is_not_shown() -> None:
    assert "secret" not in repr(Settings(admin_key=SecretStr("secret")))
