"""The card of a network that others trained: what is known of it, and that the rest is not."""

from collections.abc import Mapping
from typing import Any


def render_card(manifest: Mapping[str, Any]) -> str:
    """``MODEL_CARD.md`` for a manifest that was made from a recipe."""
    training, labels = manifest["training"], manifest["labels"]
    weights = training["recipe"]["weights"]
    size = "{width} x {height}".format(**manifest["preprocessing"])
    digest = f" (`{weights['digest']}`)" if weights["digest"] else ""
    return f"""# {manifest["name"]} {manifest["version"]}

{manifest["description"].strip()}

## What it is

Network `{training["recipe"]["network"]}`, {size} pixels in, one of {len(labels)} classes out.
Weights from {weights["source"]}{digest}.
SHA-256 of the file that was read: `{training["weights_sha256"]}`.

## Limits

It was trained elsewhere, and not calibrated here.
The probabilities are as the network gives them; without thresholds, the verdict is always the winner.
A picture of none of the classes gets one of them all the same.
"""
