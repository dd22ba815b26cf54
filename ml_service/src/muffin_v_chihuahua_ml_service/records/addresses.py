"""Where the records are, as it was set: checked at the start, before anything is imported for it."""

import re
from importlib.util import find_spec
from urllib.parse import urlsplit

from ..errors import InvalidConfiguration
from ..settings import Settings

_SQLITE = re.compile(r"sqlite:///(?!:memory:)[^?]+")
_POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://(.+)", re.DOTALL)

_EXTRAS = {"psycopg": "postgresql", "s3fs": "s3"}


def check_addresses(settings: Settings) -> None:
    """Whether the database and the pictures' place can be meant, and what they need is installed.

    Raises:
        InvalidConfiguration: the sentence says what to change or to install.
    """
    if not settings.keeps_records:
        if settings.keep_pictures is not None:
            raise InvalidConfiguration(
                "ML_SERVICE_KEEP_PICTURES is set, but pictures are kept beside records, and "
                "ML_SERVICE_DATABASE_URL is `off`; unset one of the two."
            )
        return
    if sqlalchemy_url(settings).startswith("postgresql"):
        _needs("psycopg", "ML_SERVICE_DATABASE_URL")
    _check_place(settings.keep_pictures or "")


def sqlalchemy_url(settings: Settings) -> str:
    """The database's address as SQLAlchemy takes it, with the driver that we have.

    Raises:
        InvalidConfiguration: it is neither a SQLite file nor a PostgreSQL database.
    """
    url = settings.database_url.get_secret_value()
    if _SQLITE.fullmatch(url):
        return url
    if (found := _POSTGRESQL.fullmatch(url)) and _can_be_split(url):
        return f"postgresql+psycopg://{found[1]}"
    raise InvalidConfiguration(
        "ML_SERVICE_DATABASE_URL is neither `sqlite:///` and the path of a file, nor "
        "`postgresql://user:password@host:port/database`, nor `off`."
    )


def _can_be_split(url: str) -> bool:
    try:
        return urlsplit(url).port != 0  # asking for the port is what finds it wrong
    except ValueError:
        return False


def _check_place(place: str) -> None:
    protocol, separator, _ = place.partition("://")
    if not separator:
        return
    from fsspec.registry import known_implementations  # noqa: PLC0415 - only for an address

    if protocol not in known_implementations:
        raise InvalidConfiguration(
            f"ML_SERVICE_KEEP_PICTURES begins with `{protocol}://`, which nothing here can write to; "
            "set it to a folder or to `s3://bucket/prefix`."
        )
    _needs(known_implementations[protocol]["class"].partition(".")[0], "ML_SERVICE_KEEP_PICTURES")


def _needs(module: str, setting: str) -> None:
    if find_spec(module) is None:
        extra = _EXTRAS.get(module)
        what = module if extra is None else f"'muffin-v-chihuahua-ml-service[{extra}]'"
        raise InvalidConfiguration(f"{setting} needs {module}: pip install {what}")
