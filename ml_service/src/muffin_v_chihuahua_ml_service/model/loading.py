"""From the settings to a model that is ready to answer."""

from typing import TYPE_CHECKING

from ..settings import Settings

if TYPE_CHECKING:
    from .predictor import Predictor


def load_model(settings: Settings) -> "Predictor":
    """Open the bundle that is set and load it with the engine that is set; raises what these two raise."""
    # Imported here, so that a thread can do it: numpy, Pillow and pydantic take longer than the bundle.
    from .predictor import load_predictor  # noqa: PLC0415
    from .sources import open_bundle  # noqa: PLC0415

    return load_predictor(
        open_bundle(settings.model, settings.cache),
        settings.engine,
        settings.precision,
        threads=settings.threads,
        streams=settings.streams,
        batch_size=settings.batch_size,
        limits=settings.picture_limits,
    )


def load_model_for_one(settings: Settings) -> "Predictor":
    """The same with all threads for one inference: nobody else asks meanwhile."""
    threads = settings.threads * settings.streams * settings.workers
    return load_model(settings.model_copy(update={"threads": threads, "streams": 1}))
