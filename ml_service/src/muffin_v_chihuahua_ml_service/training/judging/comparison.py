"""Two bundles on the same pictures."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

from ...errors import NotComparable
from .answers import Answers
from .proportions import share


def check_comparable(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Refuse two bundles with other labels; their order does not matter.

    Raises:
        NotComparable: names the labels that only one of them has.
    """
    if odd := sorted(set(one) ^ set(other)):
        raise NotComparable(
            f"One bundle has the labels {', '.join(one)}, the other {', '.join(other)}; "
            f"only one of them knows {', '.join(odd)}."
        )


def compare(one: Answers, other: Answers) -> dict[str, Any]:
    """Accuracy of each, whether the difference may be chance, and the pictures where another label wins.

    Pictures that both get right or both get wrong say nothing about which is better. Of the rest, each gets
    about half where both are equally good; ``p_value`` is that of McNemar's exact test on these.

    Args:
        one: answers to some pictures.
        other: another bundle's, to the same pictures in the same order.
    """
    only_one, only_other = int((one.right & ~other.right).sum()), int((~one.right & other.right).sum())
    discordant, pictures = only_one + only_other, len(one.samples)
    return {
        "pictures": pictures,
        "one": share("accuracy", int(one.right.sum()), pictures),
        "other": share("accuracy", int(other.right.sum()), pictures),
        "only_one_right": only_one,
        "only_other_right": only_other,
        "p_value": float(binomtest(only_one, discordant).pvalue) if discordant else 1.0,
        "differences": _differences(one, other),
    }


def _differences(one: Answers, other: Answers) -> list[dict[str, Any]]:
    first = np.array(one.labels)[one.winners]
    second = np.array(other.labels)[other.winners]
    return [
        {
            "path": str(one.samples[each].path),
            "truth": one.samples[each].label,
            "one": {"label": str(first[each]), "probability": float(one.confidences[each])},
            "other": {"label": str(second[each]), "probability": float(other.confidences[each])},
        }
        for each in np.flatnonzero(first != second)
    ]
