import csv
from io import BytesIO, StringIO

import pyarrow as pa
from pyarrow import parquet

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.exports import as_csv, as_parquet, as_table
from muffin_v_chihuahua.handed_in import TooLarge
from muffin_v_chihuahua.inference_client import Rejected
from muffin_v_chihuahua.wire import Model, Prediction, Refusal, Score

MODEL = Model("m", "1.2.3", "sha256:00")
REX = Prediction("01K", "chihuahua", (Score("chihuahua", 0.9), Score("muffin", 0.1)), MODEL, {})
BUN = Prediction("01L", "unsure", (Score("bun", 0.5),), MODEL, {})
ANSWERS = [
    Answer("rex.jpg", b"", REX, took_ms=12.345),
    Answer("bun.jpg", b"", BUN, took_ms=3),
    Answer(
        "=cmd|' /C calc'!A0.jpg", None, error=Rejected("http://service", refusal=Refusal("No.", "bad", "r"))
    ),
    Answer("huge.jpg", None, error=TooLarge()),
]


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(as_csv(ANSWERS).decode("utf-8-sig"))))


def test_a_row_is_a_file_with_all_that_is_known_about_it() -> None:
    assert rows()[0] == {
        "name": "rex.jpg",
        "verdict": "chihuahua",
        "probability of bun": "",
        "probability of chihuahua": "0.9",
        "probability of muffin": "0.1",
        "model": "m",
        "model_version": "1.2.3",
        "model_digest": "sha256:00",
        "prediction_id": "01K",
        "ms": "12.3",
        "error_code": "",
        "error": "",
    }
    assert rows()[1]["verdict"] == "unsure"


def test_a_file_that_failed_has_a_row_with_its_error() -> None:
    failed, huge = rows()[2:]
    assert (failed["error_code"], failed["error"]) == ("bad", "No.")
    assert huge["error_code"] == "TooLarge"
    assert "larger than the service takes" in huge["error"]
    assert failed["verdict"] == failed["ms"] == failed["model"] == failed["probability of muffin"] == ""


def test_no_cell_is_a_formula_for_a_spreadsheet() -> None:
    assert rows()[2]["name"].startswith("'=cmd")
    for sign in "=+-@\t\r\n":
        cells = next(
            csv.reader(StringIO(as_csv([Answer(f"{sign}1", None, error=TooLarge())]).decode("utf-8-sig")))
        )
        assert cells[0] == "name"
        assert f"'{sign}1" in as_csv([Answer(f"{sign}1", None, error=TooLarge())]).decode()


def test_excel_is_told_that_it_is_utf_8() -> None:
    content = as_csv([Answer("crème.jpg", None, error=TooLarge())])
    assert content.startswith(b"\xef\xbb\xbf")
    assert "crème.jpg" in content.decode()


def test_parquet_has_the_same_rows_with_types_and_the_names_as_they_are() -> None:
    table = parquet.read_table(BytesIO(as_parquet(ANSWERS)))
    assert table.equals(as_table(ANSWERS))
    assert table["name"].to_pylist()[2].startswith("=cmd")
    assert table.schema.field("probability of bun").type == pa.float64()
    assert table["probability of bun"].to_pylist() == [None, 0.5, None, None]


def test_nothing_answered_is_a_table_without_classes() -> None:
    assert as_table([]).num_rows == 0
    assert not [name for name in as_table([]).column_names if name.startswith("probability")]
