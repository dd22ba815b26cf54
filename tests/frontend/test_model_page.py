import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.frontend.conftest import DESCRIPTION, MODEL

from muffin_v_chihuahua import facts
from muffin_v_chihuahua.views.model_sections.confusion import Confused, most_confused, table_of
from muffin_v_chihuahua.views.shares import Share, list_of, start_for

if TYPE_CHECKING:
    from tests.frontend.conftest import Broken, FakeService, Visitor

INTERVAL = [0.9, 0.96]
LABEL = {"pictures": 10, "won": 11, "recall": 0.9, "recall_interval": INTERVAL, "precision": 0.85}
METRICS: dict[str, Any] = {
    "split": "test",
    "all": {
        "pictures": 30,
        "accuracy": 0.93,
        "accuracy_interval": INTERVAL,
        "labels": {"chihuahua": LABEL, "muffin": LABEL, "other": {"recall": None, "precision": None}},
        "confusion": [[9, 1, 0], [0, 10, 0], [0, 2, 8]],
        "ece": 0.004,
        "verdicts": {"answered": 0.99, "accuracy": 0.95, "answered_interval": [0.98, 1.0]},
        "coverage": [
            {"at_least": 0.0, "answered": 1.0, "accuracy": 0.93},
            {"at_least": 0.9, "answered": 0.1, "accuracy": None},
        ],
        "reliability": [
            {"probability": 0.61, "accuracy": 0.5, "accuracy_interval": [0.2, 0.8], "pictures": 10},
            {"probability": 0.99, "accuracy": 0.98, "pictures": 20},
        ],
    },
    "between": {"pair": ["chihuahua", "muffin"], "pictures": 20, "accuracy": 0.997},
    "folders": {"drawings": {"accuracy": 0.91, "pictures": 12}},
    "slices": {"dark": {"accuracy": 0.82, "pictures": 5}, "no pictures": {"accuracy": None}},
    "outside": {"far": {"pictures": 7, "verdicts": {"other": 0.75, "muffin": 0.25, "chihuahua": 0.0}}},
    "labels_as_found": {"all": {"accuracy": 0.81, "pictures": 31}},
    "made_by": "hand",
}
CALIBRATION = {
    "temperature": 0.77,
    "coverage": 0.98,
    "thresholds": {"chihuahua": {"at_least": 0.4, "pictures": 323}, "muffin": {"at_least": 0.6}},
}
TRAINING = {
    "pictures": {"train": 5451, "test": 1189},
    "dataset_fingerprint": "sha256:b430",
    "corrected_labels": 308,
    "seed": 0,
    "seeds": [{"seed": 0, "accuracy": 0.991}, {"seed": 1}],
    "libraries": {"keras": "3.15.1"},
}
CARD = (
    "---\nlibrary_name: keras\n---\n\n# A card\n\nSome *words*.\n\n## Known limits\n\nOne thing at a time.\n"
)


def describes(service: "FakeService", **changes: Any) -> None:
    service.by_path["/model"] = service.as_json(200, DESCRIPTION | changes)


def describes_all(service: "FakeService", **changes: Any) -> None:
    everything = {"metrics": METRICS, "calibration": CALIBRATION, "training": TRAINING, "card": CARD}
    describes(service, **everything | changes)


def has_feedback(service: "FakeService", feedback: int, **changes: Any) -> None:
    summary = {
        "model": MODEL,
        "predictions": 1200,
        "feedback": feedback,
        "right": feedback,
        "accuracy": 0.92 if feedback else None,
        "accuracy_interval": [0.84, 0.96] if feedback else None,
        "labels": {},
    }
    service.by_path["/feedback"] = service.as_json(200, summary | changes)


def page_of(visitor: "Visitor") -> str:
    """All that is written on the page about the model, tables and lists as they are in the page."""
    page = visitor.sees_the_page().goes_to("model").app
    html = [element.proto.body for element in page.get("html")]
    headings = [str(each.value) for kind in (page.header, page.subheader) for each in kind]
    tables = [str(each.value.to_dict("list")) for kind in (page.table, page.dataframe) for each in kind]
    return "\n".join([visitor.words, *headings, *html, *tables]).replace("\\", "")


def test_the_page_says_which_model_it_is(visitor: "Visitor") -> None:
    words = page_of(visitor)
    for said in (
        "fake-model 9.9.9",
        "Tells what it is told to tell.",
        "fake, f32",
        "sha256:00",
        "Nov 21, 2026",
        "3 classes",
        "chihuahua · muffin · other",
    ):
        assert said in words


def test_a_bundle_that_says_nothing_of_its_model_has_a_page_all_the_same(visitor: "Visitor") -> None:
    words = page_of(visitor)
    assert "does not say how often its model was right" in words
    assert "at most 1.0 MB" in words
    assert "JPEG, PNG" in words
    for heading in ("What it takes for what", "What it was trained on", "What else", "not for", "card"):
        assert heading not in words


def test_the_numbers_have_their_intervals_and_their_pictures(
    visitor: "Visitor", service: "FakeService"
) -> None:
    describes_all(service)
    words = page_of(visitor)
    for said in (
        "All test pictures · 30 pictures</span> <span>93.0% (90.0% to 96.0%)",
        "chihuahua against muffin · 20 pictures</span> <span>99.7%",
        "Only those in drawings · 12 pictures",
        "labels that nobody had corrected · 31 pictures",
        "dark · 5 pictures</span> <span>82.0%",
        "chihuahua · 10 pictures</span> <span>90.0% (90.0% to 96.0%)",
        "chihuahua · 11 answers</span> <span>85.0%",
        "name a class on 99.0% (98.0% to 100.0%) of them, and right on 95.0% of these",
        "Measured on the split “test”",
    ):
        assert said in words
    assert "no pictures" not in words


def test_the_matrix_is_a_table_with_its_numbers_in_it(visitor: "Visitor", service: "FakeService") -> None:
    describes_all(service)
    words = page_of(visitor)
    assert '<th scope="row">other</th><td style="--share:0.0%">0<small>0.0%</small></td>' in words
    assert '<td class=right style="--share:80.0%">8<small>80.0%</small></td>' in words


def test_the_curves_are_there_as_tables_too(visitor: "Visitor", service: "FakeService") -> None:
    describes_all(service)
    words = page_of(visitor)
    assert "They are 0.4% apart on average." in words
    assert "'50.0% (20.0% to 80.0%)', '98.0%'" in words
    assert "'right, of these': ['93.0%', '']" in words
    charts = visitor.app.get("vega_lite_chart")
    assert len(charts) == 2
    assert all("table below" in chart.proto.alt for chart in charts)


def test_curves_are_drawn_with_all_of_pandas_and_never_while_another_visitor_is_importing_it() -> None:
    """`findings/altair-while-pandas-imports.sh` shows what would happen."""
    program = (
        "import sys; from muffin_v_chihuahua.views.model_sections import curves; "
        "print('pandas' in sys.modules and not sys.modules['pandas'].__spec__._initializing)"
    )

    line = [sys.executable, "-c", program]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ourselves

    assert told.strip() == "True"


def test_curves_without_what_may_be_missing_are_drawn_too(visitor: "Visitor", service: "FakeService") -> None:
    measures = {"reliability": METRICS["all"]["reliability"]}
    describes(service, metrics={"all": measures})
    assert "On the dashed line" in page_of(visitor)
    describes(service, metrics={"all": {"coverage": METRICS["all"]["coverage"][:1]}})
    facts._described.clear()
    assert "certain enough to answer" in page_of(visitor)


def test_what_it_says_to_pictures_that_it_is_not_for_is_drawn(
    visitor: "Visitor", service: "FakeService"
) -> None:
    describes_all(service)
    words = page_of(visitor)
    assert "**far** 7 pictures" in words
    assert "other</span> <span>75.0%" in words
    assert "chihuahua</span> <span>0.0%" not in words


def test_what_it_was_trained_on_and_its_limits_are_written(
    visitor: "Visitor", service: "FakeService"
) -> None:
    describes_all(service)
    words = page_of(visitor)
    for said in (
        "train 5,451 · test 1,189",
        "<dd>308</dd>",
        "sha256:b430",
        "0: 99.1% (this one) · 1",
        "keras 3.15.1",
        "<dt>made_by</dt><dd>hand</dd>",
        "chihuahua</span> <span>40.0% · from 323 pictures",
        "muffin</span> <span>60.0%</span>",
        "<dd>0.770</dd>",
        "#### Known limits\n\nOne thing at a time.",
        "### A card",
    ):
        assert said in words
    assert "library_name" not in words


@pytest.mark.parametrize(("seeds", "said"), [([], "<dd>7</dd>"), ([{"seed": 7}], "<dd>7</dd>")])
def test_one_seed_is_not_told_from_others(
    visitor: "Visitor", service: "FakeService", seeds: list[Any], said: str
) -> None:
    describes(service, training={"seed": 7, "seeds": seeds})
    assert said in page_of(visitor)


def test_live_accuracy_stands_beside_the_cards_and_says_that_it_is_no_sample(
    visitor: "Visitor", service: "FakeService"
) -> None:
    describes_all(service)
    has_feedback(service, 87)
    words = page_of(visitor)
    assert "Live, by what people said · 87 pictures</span> <span>92.0% (84.0% to 96.0%)" in words
    assert "people said of 87 out of 1,200 answers" in words
    assert "no random sample" in words


def test_without_feedback_there_is_no_live_accuracy(visitor: "Visitor", service: "FakeService") -> None:
    has_feedback(service, 0)
    assert "nobody has said yet" in page_of(visitor)


def test_where_records_are_off_nothing_is_said_of_feedback(
    visitor: "Visitor", service: "FakeService"
) -> None:
    describes_all(service)
    assert "Live" not in page_of(visitor)


def test_feedback_on_another_model_is_not_this_ones(visitor: "Visitor", service: "FakeService") -> None:
    has_feedback(service, 87, model=MODEL | {"digest": "sha256:01"})
    assert "Live" not in page_of(visitor)


def test_feedback_that_cannot_be_had_just_now_is_a_sentence(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.by_path["/feedback"] = service.refusal(503, "The database is down.")
    assert "The database is down." in page_of(visitor)


@pytest.mark.parametrize(
    "wrong", [None, [], "x", 3, {"all": [1]}, {"all": {"confusion": [[1]], "labels": 3}}]
)
def test_metrics_of_any_shape_leave_a_page(visitor: "Visitor", service: "FakeService", wrong: Any) -> None:
    describes(service, metrics=wrong, calibration=wrong, training=wrong, card=None)
    words = page_of(visitor)
    assert "Its limits" in words
    assert "What it takes for what" not in words


def test_half_of_the_verdicts_measures_is_not_drawn(visitor: "Visitor", service: "FakeService") -> None:
    describes(service, metrics={"all": {"verdicts": {"answered": 0.5}}})
    assert "sure enough" not in page_of(visitor)


def test_a_card_may_be_its_head_alone(visitor: "Visitor", service: "FakeService") -> None:
    describes(service, card="---\na: 1\n---\n")
    assert not [
        each for each in visitor.sees_the_page().goes_to("model").app.expander if "card" in each.label
    ]


def test_a_thousand_classes_are_a_table_that_can_be_searched(
    visitor: "Visitor", service: "FakeService"
) -> None:
    labels = [f"class_{number}" for number in range(1000)]
    confusion = [
        [9 if row == column else int((row, column) == (7, 8)) for column in range(1000)]
        for row in range(1000)
    ]
    of_each = dict.fromkeys(labels[:500], LABEL)
    thresholds = {"class_0": {"at_least": 0.4}}
    describes(
        service,
        labels=labels,
        metrics={
            "all": {"confusion": confusion, "labels": of_each},
            "outside": {"far": {"verdicts": dict.fromkeys(labels, 0.001)}},
        },
        calibration={"thresholds": thresholds},
    )
    words = page_of(visitor)
    assert "1,000 classes" in words
    assert "'Shown': ['class_7'], 'Said': ['class_8'], 'Pictures': ['1 of 10']" in words
    assert words.count("class_") < 1100
    table = visitor.app.dataframe[0].value
    assert list(table.columns) == ["Class", "Pictures", "Found (recall)", "Right (precision)", "Named from"]
    assert len(table) == 1000
    visitor.app.text_input(key="find_class").input("SS_77")
    visitor.sees_the_page()
    assert list(visitor.app.dataframe[0].value["Class"]) == ["class_77", *(f"class_77{n}" for n in range(10))]
    visitor.app.text_input(key="find_class").input("cat")
    visitor.sees_the_page()
    assert "No class has this in its name." in visitor.words


def test_a_thousand_classes_that_are_never_confused_say_so(
    visitor: "Visitor", service: "FakeService"
) -> None:
    confusion = [[int(row == column) for column in range(20)] for row in range(20)]
    describes(service, labels=[f"c{n}" for n in range(20)], metrics={"all": {"confusion": confusion}})
    assert "It took no test picture for another class." in page_of(visitor)


def test_labels_from_outside_are_words_and_nothing_else(visitor: "Visitor", service: "FakeService") -> None:
    evil = "<img src=x onerror=alert(1)> *b*"
    label = {"recall": 0.5, "precision": 0.5}
    describes(
        service,
        labels=[evil, "b"],
        name=evil,
        metrics={
            "all": {"labels": {evil: label}, "confusion": [[1, 0], [0, 1]]},
            "folders": {evil: {"accuracy": 0.5}},
        },
    )
    visitor.sees_the_page().goes_to("model")
    html = "".join(element.proto.body for element in visitor.app.get("html"))
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert any(r"\*b\*" in str(each.value) for each in visitor.app.header)


def test_whatever_the_service_answers_the_page_says_it_in_words(
    visitor: "Visitor", service: "FakeService", broken: "Broken"
) -> None:
    before = dict(service.by_path)
    service.is_broken(broken.reply)
    visitor.sees_the_page().goes_to("model")
    assert broken.words in visitor.words
    service.by_path = before
    visitor.clicks("Try again")
    assert "Its limits" in "".join(str(each.value) for each in visitor.app.subheader)


def test_the_most_confused_pairs_come_first_and_of_equals_the_rarer_class() -> None:
    assert most_confused(["a", "b", "c"], [[5, 2, 0], [1, 9, 2], [2, 0, 1]])[:3] == [
        Confused("c", "a", 2, 3),
        Confused("a", "b", 2, 7),
        Confused("b", "c", 2, 12),
    ]


def test_a_class_without_test_pictures_has_an_empty_row() -> None:
    assert table_of(["a", "b"], [[0, 0], [1, 3]]).count("0<small>0.0%</small>") == 2


@pytest.mark.parametrize(
    ("share", "interval", "start"),
    [(0.99, (0.97, 1.0), 0.9), (0.99, (0.89, 1.0), 0.8), (1.0, None, 0.9), (0.03, (0.01, 0.1), 0.0)],
)
def test_bars_begin_at_a_whole_tenth_below_all_of_them(
    share: float, interval: tuple[float, float] | None, start: float
) -> None:
    assert start_for([Share("a", share, interval)]) == pytest.approx(start)


def test_a_bar_that_does_not_begin_at_zero_says_where_it_does() -> None:
    assert ">90%<" in list_of([Share("a", 0.95)], 0.9)
    assert "axis" not in list_of([Share("a", 0.95)])


def test_an_interval_is_a_line_between_its_ends_and_never_has_less_than_no_width() -> None:
    assert "left:50.00%;width:25.00%" in list_of([Share("a", 0.9, (0.9, 0.95))], 0.8)
    assert "width:0.00%" in list_of([Share("a", 0.9, (0.95, 0.9))], 0.8)
    assert "between" not in list_of([Share("a", 0.9)])
