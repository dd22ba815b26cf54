"""Whether the systems answer the same: who is faster because it does something else has won nothing."""

import json
from collections.abc import Sequence

from .errors import OtherAnswers
from .measures import Bench
from .pictures import PHOTO
from .systems import System

SURE = 0.9
"""From this probability on, two ways of rounding a resized picture change nothing about the winner."""

_Winner = tuple[str, float]


def check_answers(bench: Bench) -> int:
    """Ask every system about the photos, and return for how many all have to name the same winner, and do.

    Raises:
        OtherAnswers: one of them names another label where the first system is sure.
    """
    first, *others = bench.systems
    sure = [
        (number, label)
        for number, (label, probability) in enumerate(_winners(bench, first))
        if probability >= SURE
    ]
    for other in others:
        winners = _winners(bench, other)
        if any(winners[number][0] != label for number, label in sure):
            raise OtherAnswers(
                f"{other.title} names other winners than {first.title}, which is sure of them; "
                "both have to have the same model and the same preprocessing."
            )
    return len(sure)


def _winners(bench: Bench, system: System) -> Sequence[_Winner]:
    with bench.start(system) as service:
        return [_winner(service.predict(picture), system) for picture in bench.pictures(PHOTO)]


def _winner(answer: bytes | None, system: System) -> _Winner:
    if answer is None:
        raise OtherAnswers(f"{system.title} does not answer a photo that it should answer.")
    best = json.loads(answer)["predictions"][0]
    return best["label"], best["probability"]
