"""The model card, rendered from the manifest: no number in it is written by hand.

Its sections are those of Mitchell et al. 2019 (arXiv 1810.03993), its head is the Hugging Face hub's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .card_head import card_head
from .card_measures import behaviour, evaluation, gate, known_limits, outside
from .tables import familiarity_rows, markdown, seed_rows, threshold_rows
from .wording import percent

Manifest = Mapping[str, Any]


def render_card(manifest: Manifest) -> str:
    """``MODEL_CARD.md`` for a manifest as training writes it; what was not measured is said to be missing."""
    metrics = manifest["metrics"]
    sections = {
        f"# {manifest['name']} {manifest['version']}": _details(manifest),
        "## Uses": _uses(manifest),
        "## Data": _data(manifest["training"]),
        "## Evaluation": evaluation(metrics),
        "## Probabilities and verdicts": _calibration(manifest),
        "## Pictures that show something else": outside(metrics),
        "## Behaviour": behaviour(metrics),
        "## Gate": gate(manifest),
        "## Known limits": known_limits(metrics),
    }
    blocks = [card_head(manifest)]
    for title, content in sections.items():
        blocks += [title, *content]
    return "\n\n".join(blocks) + "\n"


def _details(manifest: Manifest) -> Iterator[str]:
    how = manifest["preprocessing"]
    yield (
        f"{manifest['description']}\n"
        f"Classifies a picture as one of {_names(manifest)}.\n"
        f"It sees the middle {how['width']} x {how['height']} pixels of the upright picture, "
        f"its shorter side resized to {how['resize_shorter_side']}."
    )


def _names(manifest: Manifest) -> str:
    return ", ".join(f"`{label}`" for label in manifest["labels"])


def _uses(manifest: Manifest) -> Iterator[str]:
    negative = manifest["metrics"].get("negative")
    none_of_them = (
        f"`{negative}` stands for a picture that shows none of the others."
        if negative
        else "No label stands for a picture that shows none of them."
    )
    yield f"For pictures like those it was measured on, each with one thing in it.\n{none_of_them}"
    yield (
        "Not for saying where something is or how many there are: a picture gets one answer.\n"
        "Not for kinds of pictures that the tables below do not have.\n"
        "Not for decisions that harm somebody where the answer is wrong."
    )


def _data(training: Mapping[str, Any]) -> Iterator[str]:
    if pictures := training.get("pictures"):
        sides = ", ".join(f"{count} {split}" for split, count in pictures.items())
        yield (
            f"{sum(pictures.values())} pictures: {sides}.\n"
            f"Near-duplicates are on one side of the split.\n{_labels(training.get('corrected_labels', 0))}"
        )
    if seeds := training.get("seeds"):
        yield markdown(seed_rows(seeds, training["seed"]))
    told = {"pictures", "seeds", "seed", "corrected_labels"}
    facts = {name: value for name, value in training.items() if name not in told or not seeds}
    if facts:
        yield "\n".join(f"- {name.replace('_', ' ')}: {_in_words(value)}" for name, value in facts.items())


def _labels(corrected: int) -> str:
    if not corrected:
        return "The labels are as they were found, noise included."
    return (
        f"A person looked at the labels that a model doubted, and corrected {corrected} of all.\n"
        "The numbers below are kinder than a blind check would be; those for the labels as found are harsher."
    )


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_in_words(each) for each in value)
    return f"`{value}`"


def _calibration(manifest: Manifest) -> Iterator[str]:
    calibration = manifest["calibration"]
    yield f"The logits are divided by the temperature {calibration['temperature']:.3f}."
    if thresholds := calibration.get("thresholds"):
        yield _promise(calibration.get("coverage"))
        yield markdown(threshold_rows(thresholds))
    else:
        yield "No threshold was fitted: the verdict is the winner, however sure it is."
    if familiarity := calibration.get("familiarity"):
        yield from _familiarity(familiarity)


def _promise(coverage: float | None) -> str:
    begin = "The verdict is `unsure` where the winner has less than its label's threshold."
    if coverage is None:
        return begin
    return (
        f"{begin}\n"
        f"Of each class, {percent(coverage)} of the pictures give their true label at least its threshold "
        "(split conformal prediction by class).\n"
        "This is guaranteed for pictures like the calibration ones, and for no others."
    )


def _familiarity(familiarity: Mapping[str, Any]) -> Iterator[str]:
    becomes = familiarity["becomes"]
    target = f"`{becomes}`" if becomes else "all labels evenly"
    yield (
        "A picture is as familiar as a class as its features are close to those of training pictures of it: "
        f"the cosine similarity to the farthest of its {familiarity['neighbours']} nearest, in "
        f"`{familiarity['layer']}`; {familiarity['bank']} pictures are remembered.\n"
        "Where it is less and less familiar, "
        f"a class loses its probability, but for a twentieth, to {target}."
    )
    yield markdown(familiarity_rows(familiarity["classes"]))
