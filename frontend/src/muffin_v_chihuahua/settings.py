"""The settings, read once from the environment and never changed."""

from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICE_PORT = 8000  # where the service listens unless told otherwise


class InvalidSettings(ValueError):
    """A setting that cannot be used; the text names it and says why."""


def base_url(inference_host: str) -> str:
    """Where the service is, from any of the forms that `INFERENCE_HOST` may have.

    `host`, `host:port`, `[::1]:port` and any of them with `http://` or `https://` before and a path behind.
    Where no port is said it is 8000, except after `https://`: there it is https's own, 443.

    Raises:
        ValueError: The text is none of these; the error says what is wrong with it.
    """
    text = inference_host.strip()
    parts = urlsplit(text if "://" in text else f"http://{text}")
    _refuse_what_is_no_address(parts)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    port = parts.port or (SERVICE_PORT if parts.scheme == "http" else None)
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _refuse_what_is_no_address(parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"'{parts.scheme}://' is not a scheme that the service speaks: http or https")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("a host, a port and a path are all that an address may have")
    if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
        raise ValueError("an IPv6 address stands in brackets, as in [::1]:8000")
    if not parts.hostname or not _is_host_name(parts.hostname):
        raise ValueError("there is no host name in it")
    if parts.port == 0:
        raise ValueError("port 0 is nobody's")


def _is_host_name(text: str) -> bool:
    try:
        text.encode("idna")
    except UnicodeError:  # a part of it is empty, or too long for the domain name system
        return False
    return not any(character.isspace() for character in text)


class Settings(BaseSettings):
    """Everything about the demo that is not one of Streamlit's own options."""

    # An empty variable is what a compose file passes on for one that is not set.
    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    inference_url: Annotated[str, AfterValidator(base_url)] = Field(
        default="localhost",
        validate_default=True,
        validation_alias="INFERENCE_HOST",
        description="Where the prediction service is: host, host:port or a whole URL. "
        "Without a port: 8000, or 443 after https://.",
    )
    inference_timeout_s: float = Field(
        default=10,
        gt=0,
        allow_inf_nan=False,
        validation_alias="INFERENCE_TIMEOUT_S",
        description="How many seconds the service has for an answer.",
    )
    page_title: str | None = Field(
        default=None,
        validation_alias="PAGE_TITLE",
        description="What stands over the first page, for a service with another model.",
    )
    gallery_dir: Path | None = Field(
        default=None,
        validation_alias="GALLERY_DIR",
        description="A folder with a folder of pictures for each class, "
        "shown instead of the pictures that come with the demo.",
    )
    max_pictures: int = Field(
        default=500,
        gt=0,
        validation_alias="MAX_PICTURES",
        description="How many pictures of a visitor are asked about and kept at a time.",
    )


def load_settings() -> Settings:
    """The settings from the environment.

    Raises:
        InvalidSettings: A variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as invalid:
        # without the value: a visitor may read this, and an address may have had a password in it
        complaints = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise InvalidSettings("; ".join(complaints).replace("Value error, ", "")) from None
