"""YAML that a person writes, read as the model that says what may stand in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ..errors import InvalidConfiguration

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(kind: type[Model], path: Path | None, **options: Any) -> Model:
    """What the file says, with those options in its place that are not None; without a file, the options.

    Raises:
        InvalidConfiguration: the file cannot be read, or says something that there is not.
    """
    content = {} if path is None else _parse(path)
    content |= {name: value for name, value in options.items() if value is not None}
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InvalidConfiguration(f"{path or 'The options'}: {problems}.") from error


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InvalidConfiguration(f"{path}: the configuration cannot be read ({reason}).") from error
    if content is not None and not isinstance(content, Mapping):
        raise InvalidConfiguration(f"{path}: expected names with values, such as `version: 1.0.0`.")
    return dict(content or {})
