"""Another model without a restart, for whoever has the admin key."""

import secrets
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from ..errors import MLServiceError, NotAuthorised, ReloadFailed
from ..foreign_errors import for_callers
from .models import Models
from .schemas import DigestedModel, error_answer

Change = Literal["reload", "rollback"]

TellOthers = Callable[[Change], None]
"""How a change that went well here reaches the other processes behind the same port."""

_bearer = HTTPBearer(auto_error=False, description="`ML_SERVICE_ADMIN_KEY`")


class ModelChange(BaseModel):
    """Which model answers now, and which a rollback brings back."""

    model: DigestedModel
    previous: DigestedModel | None = Field(description="Null where there is none, or no more.")


def _authorised(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    # Starlette reads headers as Latin-1, so this is what came, byte for byte.
    came = b"" if sent is None else sent.credentials.encode("latin-1")
    if not secrets.compare_digest(came, request.state.settings.admin_key.get_secret_value().encode()):
        raise NotAuthorised("This needs the admin key: send it as `Authorization: Bearer <key>`.")


router = APIRouter(
    prefix="/admin",
    dependencies=[Depends(_authorised)],
    responses={
        401: error_answer(
            "No admin key, or a wrong one.",
            "not_authorised",
            "This needs the admin key: send it as `Authorization: Bearer <key>`.",
        )
    },
)


@router.post(
    "/reload",
    summary="Load the model again",
    responses={
        502: error_answer(
            "The model could not be loaded, and nothing has changed.",
            "reload_failed",
            "model.onnx: is not the file that the manifest lists; changed or damaged.",
        )
    },
)
async def reload(request: Request) -> ModelChange:
    """Open the source again, and change to what is there once its golden pictures are right.

    Where several processes answer, the others follow this one.
    """
    models: Models = request.state.service.models
    try:
        await models.reload(request.state.load_predictor)
    except MLServiceError as error:
        raise ReloadFailed(for_callers(str(error))) from error
    request.state.tell_others("reload")
    return _as_it_is(models)


@router.post(
    "/rollback",
    summary="Go back to the model before the last reload",
    responses={
        409: error_answer(
            "There was no reload, or its predecessor is no longer kept.",
            "nothing_to_roll_back_to",
            "No earlier model is kept, so there is nothing to go back to.",
        )
    },
)
async def rollback(request: Request) -> ModelChange:
    """Bring back the model that answered before the last reload, and free the one that answers now.

    Where several processes answer, the others follow this one. A process that starts later opens the source.
    """
    models: Models = request.state.service.models
    await models.rollback()
    request.state.tell_others("rollback")
    return _as_it_is(models)


def _as_it_is(models: Models) -> ModelChange:
    previous = None if models.previous is None else DigestedModel.of(models.previous.predictor.bundle)
    return ModelChange(model=DigestedModel.of(models.current.predictor.bundle), previous=previous)
