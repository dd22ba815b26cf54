"""How the lack of an answer is said: in the visitor's language, with a way on."""

import streamlit as st

from muffin_v_chihuahua.inference_client import InferenceError
from muffin_v_chihuahua.language import chosen_language, mark, tr
from muffin_v_chihuahua.views.text import plain

# What the service says in English, by the stable name that it gives to it. Where it is read in English, its
# own sentence is better: it has the numbers.
SENTENCES = {
    "not_a_picture": mark("This is not a picture in one of the formats that the service takes."),
    "broken_picture": mark("This picture is damaged or cut off."),
    "empty_body": mark("This file is empty."),
    "body_too_large": mark("This file is larger than the service takes."),
    "unsupported_picture_format": mark("The service does not take pictures of this format."),
    "unsupported_content_type": mark("The service does not take files of this kind."),
    "too_many_pixels": mark("This picture has more pixels than the service takes."),
    "too_many_frames": mark("This animation has more frames than the service takes."),
    "too_many_parts": mark("This picture is made of more parts than the service takes."),
    "slow_body": mark("The file took too long to arrive."),
    "engine_failed": mark("The model failed on this picture."),
    "engine_stuck": mark("The model did not answer in time and has been started again."),
    "deadline_exceeded": mark("There was no answer in time, so the picture was dropped."),
    "overloaded": mark("Too many pictures are waiting; try again in a moment."),
    "model_not_ready": mark("The model is still loading."),
    "draining": mark("The service is about to stop."),
    "unknown_label": mark("The model does not know this class."),
    "unknown_prediction": mark("The service does not remember this prediction."),
    "records_off": mark("The service does not keep what it is told."),
    "records_unavailable": mark("The service cannot write down anything just now."),
    "not_authorised": mark("The service wants a key."),
}


def in_words(error: InferenceError) -> str:
    """The error as a sentence or two for the visitor, with nothing in it that Markdown would act on."""
    return plain(sentence_of(error))


def sentence_of(error: InferenceError) -> str:
    """The error as a sentence or two for the visitor, for where no Markdown is drawn."""
    if chosen_language() == "en":
        return str(error)
    of_its_kind = tr(error.sentence, address=error.address) if error.sentence else ""
    particular = tr(SENTENCES[error.code]) if error.code in SENTENCES else error.detail
    return f"{of_its_kind} {particular}".strip()


def draw_failure(error: InferenceError) -> None:
    """Why there are no answers, and a way to ask for them again."""
    st.error(in_words(error), icon="🔌")
    draw_try_again()


def draw_try_again() -> None:
    """A button that does nothing but run the page again, which asks for all answers that are missing."""
    st.button("🔄 " + tr("Try again"), type="primary", key="try_again")
