from importlib import util
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration
from muffin_v_chihuahua_ml_service.records import addresses
from muffin_v_chihuahua_ml_service.records.addresses import check_addresses, sqlalchemy_url
from muffin_v_chihuahua_ml_service.settings import Settings


def settings(url: str, **more: Any) -> Settings:
    return Settings.model_validate({"database_url": url, **more})


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("sqlite:////data/records.db", "sqlite:////data/records.db"),
        ("sqlite:///records.db", "sqlite:///records.db"),
        ("postgresql://me:secret@host:5432/db", "postgresql+psycopg://me:secret@host:5432/db"),
        ("postgres://host/db?sslmode=require", "postgresql+psycopg://host/db?sslmode=require"),
        ("postgresql+psycopg:///db?host=/run", "postgresql+psycopg:///db?host=/run"),
    ],
)
def test_an_address_is_taken_as_people_write_it(url: str, meant: str) -> None:
    check_addresses(settings(url))

    assert sqlalchemy_url(settings(url)) == meant


@pytest.mark.parametrize(
    "url",
    [
        *(
            "records.db",
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "mysql://host/db",
            "OFF",
            "postgresql://",
        ),
        *("postgresql://host:port/db", "postgresql://me:se[cret@host/db", "postgresql+asyncpg://host/db"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_saying_it_again(url: str) -> None:
    with pytest.raises(
        InvalidConfiguration, match="ML_SERVICE_DATABASE_URL is neither `sqlite:///`"
    ) as caught:
        check_addresses(settings(url))

    assert "cret" not in str(caught.value)


def test_what_is_off_needs_nothing() -> None:
    check_addresses(settings("off"))


def test_pictures_without_records_make_no_sense() -> None:
    with pytest.raises(InvalidConfiguration, match="pictures are kept beside records"):
        check_addresses(settings("off", keep_pictures="kept"))


@pytest.mark.parametrize("place", ["kept", "/kept", "s3://bucket/prefix", "file:///kept"])
def test_pictures_can_be_kept_where_fsspec_writes(place: str) -> None:
    check_addresses(settings("sqlite:///records.db", keep_pictures=place))


def test_pictures_cannot_be_kept_just_anywhere() -> None:
    with pytest.raises(InvalidConfiguration, match="begins with `nowhere://`"):
        check_addresses(settings("sqlite:///records.db", keep_pictures="nowhere://bucket"))


@pytest.mark.parametrize(
    ("url", "place", "sentence"),
    [
        (
            "postgresql://host/db",
            None,
            "ML_SERVICE_DATABASE_URL needs psycopg: pip install 'muffin-v-chihuahua-ml-service[postgresql]'",
        ),
        (
            "sqlite:///records.db",
            "s3://bucket",
            "ML_SERVICE_KEEP_PICTURES needs s3fs: pip install 'muffin-v-chihuahua-ml-service[s3]'",
        ),
        (
            "sqlite:///records.db",
            "gs://bucket",
            "ML_SERVICE_KEEP_PICTURES needs gcsfs: pip install gcsfs",
        ),
    ],
)
def test_what_is_not_installed_is_said_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, url: str, place: str | None, sentence: str
) -> None:
    missing = {"psycopg", "s3fs", "gcsfs"}
    monkeypatch.setattr(
        addresses, "find_spec", lambda name: None if name in missing else util.find_spec(name)
    )

    with pytest.raises(InvalidConfiguration) as caught:
        check_addresses(settings(url, keep_pictures=place))

    assert str(caught.value) == sentence
