"""Whatever the service answers, the pages say it in words: every row of the service's own table of errors."""

from typing import TYPE_CHECKING

import pytest

from muffin_v_chihuahua.views.problems import SENTENCES
from muffin_v_chihuahua_ml_service.errors import MLServiceError
from muffin_v_chihuahua_ml_service.serving.answers import STATUSES

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService, Visitor

PAGES = ("", "your-pictures", "model", "service")
ERRORS = sorted(STATUSES.items(), key=lambda row: (row[1], row[0].__name__))
SENTENCE = "Because of {this}, *that* and $x^2$."

# What no page can cause: it sends a file, in its field, with a sane time limit, and nothing to /admin,
# and asks about the model that answers.
OF_OTHER_CALLERS = {
    *("missing_field", "malformed_body", "invalid_timeout"),
    *("nothing_to_roll_back_to", "reload_failed", "unknown_model"),
}

each_error = pytest.mark.parametrize(
    ("error", "status"), ERRORS, ids=[f"{status}-{error.code}" for error, status in ERRORS]
)


@each_error
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_on_every_page_an_error_is_a_sentence_and_never_a_traceback(
    visitor: "Visitor", service: "FakeService", error: type[MLServiceError], status: int, lang: str
) -> None:
    service.is_broken(service.refusal(status, SENTENCE, code=error.code))
    visitor.app.query_params["lang"] = lang
    visitor.sees_the_page()
    for page in PAGES:
        visitor.goes_to(page)
        assert visitor.complaints, page
        assert "Traceback" not in visitor.words
        if lang == "en":
            assert any(SENTENCE in complaint for complaint in visitor.complaints), page


@each_error
def test_why_and_feedback_say_it_in_a_sentence_too(
    visitor: "Visitor", service: "FakeService", error: type[MLServiceError], status: int
) -> None:
    service.by_path["/feedback"] = service.as_json(200, service.SUMMARY)
    visitor.sees_the_page()
    service.is_broken(service.refusal(status, SENTENCE, code=error.code))
    visitor.app.pills[0].set_value("muffin")
    visitor.clicks("Why?")
    assert len([complaint for complaint in visitor.complaints if SENTENCE in complaint]) == 2


def test_every_error_that_a_visitor_can_cause_is_translated_by_its_name() -> None:
    assert {error.code for error in STATUSES} - OF_OTHER_CALLERS == SENTENCES.keys()
