"""Shapes for what others write: what cannot be understood counts as not said, and the rest is kept."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import OnErrorOmit, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

T = TypeVar("T")


def otherwise(value: Any) -> WrapValidator:
    """Take this value in place of one that cannot be understood."""

    def understand(said: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(said)
        except ValidationError:
            return value

    return WrapValidator(understand)


Said = Annotated[T | None, otherwise(None)]
Several = Annotated[tuple[OnErrorOmit[T], ...], otherwise(())]
Named = Annotated[Mapping[str, OnErrorOmit[T]], otherwise({})]
