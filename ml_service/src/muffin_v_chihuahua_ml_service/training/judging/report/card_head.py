"""The card's head, as the Hugging Face hub reads it (its model card metadata, with `model-index`)."""

from collections.abc import Mapping
from typing import Any

import yaml

_TASK = "image-classification"


def card_head(manifest: Mapping[str, Any]) -> str:
    """YAML between two lines of dashes: task, library, and the results where there are any."""
    content: dict[str, Any] = {
        "library_name": "keras",
        "pipeline_tag": _TASK,
        "tags": list(manifest["labels"]),
    }
    if metrics := manifest["metrics"]:
        measured = {**metrics["folders"], "all": metrics["all"]}
        results = [_result(name, metrics["split"], each) for name, each in measured.items()]
        content["metrics"] = ["accuracy"]
        content["model-index"] = [{"name": manifest["name"], "results": results}]
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def _result(name: str, split: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    values = {"accuracy": "accuracy", "ece": "expected calibration error", "nll": "negative log-likelihood"}
    return {
        "task": {"type": _TASK},
        "dataset": {"name": name, "type": name, "split": split},
        "metrics": [
            {"type": kind, "name": in_words, "value": round(measured[kind], 4)}
            for kind, in_words in values.items()
        ],
    }
