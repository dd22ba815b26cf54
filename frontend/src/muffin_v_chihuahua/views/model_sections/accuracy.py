"""How often the model is right: on its test pictures, and by what people say of its answers."""

from collections.abc import Iterator

import streamlit as st

from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError, Rejected
from muffin_v_chihuahua.language import number, tr, tr_n
from muffin_v_chihuahua.measures import Accuracy, Metrics, Verdicts
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.shares import Share, list_of, start_for, with_interval
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.wire import FeedbackSummary, ModelDescription


def draw_accuracy(client: InferenceClient, model: ModelDescription, metrics: Metrics) -> None:
    """Draw the section."""
    st.subheader(tr("How often it is right"), anchor=False)
    tested, live = list(_tested(metrics)), _live(client, model)
    shares = [*tested, *(_of_feedback(live) if live else ())]
    if shares:
        st.html(list_of(shares, start_for(shares)))
        st.caption(tr("In brackets and as a thin line: where the true share lies, with 95 % certainty."))
    if not tested:
        st.caption(tr("The bundle does not say how often its model was right when it was tested."))
    elif metrics.split:
        st.caption(plain(tr("Measured on the split “{split}” of its pictures.", split=metrics.split)))
    if live:
        _draw_caution(live)
    if metrics.all.verdicts:
        _draw_verdicts(metrics.all.verdicts)
    _draw_slices(metrics)


def _tested(metrics: Metrics) -> Iterator[Share]:
    yield from _share(tr("All test pictures"), metrics.all)
    if metrics.between and metrics.between.pair:
        first, second = metrics.between.pair
        yield from _share(tr("{first} against {second}", first=first, second=second), metrics.between)
    for folder, accuracy in metrics.folders.items():
        yield from _share(tr("Only those in {folder}", folder=folder), accuracy)
    if metrics.labels_as_found and metrics.labels_as_found.all:
        yield from _share(tr("All, by labels that nobody had corrected"), metrics.labels_as_found.all)


def _share(name: str, measured: Accuracy) -> Iterator[Share]:
    if measured.accuracy is not None:
        yield Share(_with_count(name, measured.pictures), measured.accuracy, measured.accuracy_interval)


def _with_count(name: str, pictures: int | None) -> str:
    return name if pictures is None else name + " · " + tr_n("{n} picture", "{n} pictures", pictures)


def _live(client: InferenceClient, model: ModelDescription) -> FeedbackSummary | None:
    try:
        summary = client.feedback_summary()
    except Rejected:  # it keeps no records
        return None
    except InferenceError as error:
        st.caption(in_words(error))
        return None
    return summary if summary.model.digest == model.digest else None


def _of_feedback(live: FeedbackSummary) -> Iterator[Share]:
    name = tr("Live, by what people said")
    yield from _share(name, Accuracy(live.accuracy, live.accuracy_interval, live.feedback))


def _draw_caution(live: FeedbackSummary) -> None:
    if not live.feedback:
        st.caption(tr("Live: nobody has said yet whether its answers are right."))
        return
    spoken_of = tr(
        "Live: people said of {feedback} out of {predictions} answers what the picture really shows.",
        feedback=number(live.feedback),
        predictions=number(live.predictions),
    )
    caution = tr(
        "These are no random sample: a wrong answer is more likely to be spoken of than a right one, "
        "so the share of all answers may be another."
    )
    st.caption(f"{spoken_of} {caution}")


def _draw_verdicts(verdicts: Verdicts) -> None:
    if verdicts.answered is None or verdicts.accuracy is None:
        return
    sure = tr(
        "It is sure enough to name a class on {answered} of them, and right on {right} of these.",
        answered=with_interval(verdicts.answered, verdicts.answered_interval),
        right=with_interval(verdicts.accuracy, verdicts.accuracy_interval),
    )
    st.caption(sure)


def _draw_slices(metrics: Metrics) -> None:
    shares = [share for name, accuracy in metrics.slices.items() for share in _share(name, accuracy)]
    if shares:
        with st.expander(tr("By kind of picture")):
            st.html(list_of(sorted(shares, key=lambda share: share.share), start_for(shares)))
