"""Which of many answers are shown, and in which order."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.language import mark

Placed = tuple[int, Answer]
"""An answer, and its place among all of them in the order in which they were given."""


@dataclass(frozen=True, order=True)
class Outcome:
    """What came of a picture, in so far as many have it in common; `label` is there where it is `sure`."""

    kind: Literal["1 sure", "2 unsure", "3 failed"]
    label: str = ""


UNSURE = Outcome("2 unsure")
FAILED = Outcome("3 failed")


def outcome_of(answer: Answer) -> Outcome:
    """The verdict, or that there is none."""
    if answer.prediction is None:
        return FAILED
    return Outcome("1 sure", answer.prediction.verdict) if answer.prediction.is_sure else UNSURE


def tally(placed: Iterable[Placed]) -> Mapping[Outcome, int]:
    """How many answers have each outcome: the most common class first, unsure and failed ones last."""
    counted = Counter(outcome_of(answer) for _, answer in placed)
    return dict(sorted(counted.items(), key=lambda item: (item[0].kind, -item[1], item[0].label)))


def confidence(answer: Answer) -> float | None:
    """How likely the best class is; a failed picture has none."""
    return answer.prediction.winner.probability if answer.prediction else None


def selected(
    placed: Iterable[Placed], outcomes: Collection[Outcome], lowest: float, highest: float
) -> list[Placed]:
    """The answers with one of the outcomes, where any are asked for, and a confidence between the two.

    Whoever asks for all confidences sees the pictures that have none, too.
    """
    everything = lowest <= 0 and highest >= 1
    return [
        (place, answer)
        for place, answer in placed
        if (not outcomes or outcome_of(answer) in outcomes)
        and (everything or _is_between(lowest, confidence(answer), highest))
    ]


def _is_between(lowest: float, share: float | None, highest: float) -> bool:
    return share is not None and lowest <= share <= highest


def _least_sure_first(placed: Placed) -> tuple[bool, float]:
    share = confidence(placed[1])
    return share is None, share or 0


def _surest_first(placed: Placed) -> float:
    return -(confidence(placed[1]) or 0)


def _by_verdict(placed: Placed) -> Outcome:
    return outcome_of(placed[1])


def _by_name(placed: Placed) -> str:
    return placed[1].name.casefold()


ORDERS: Mapping[str, Callable[[Placed], Any]] = MappingProxyType(
    {
        mark("As given"): lambda placed: placed[0],
        mark("Least sure first"): _least_sure_first,
        mark("Surest first"): _surest_first,
        mark("By verdict"): _by_verdict,
        mark("By name"): _by_name,
    }
)
