"""The answers as a table for other programs: one row a file, as CSV and as Parquet."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO

import pyarrow as pa
from pyarrow import parquet

from muffin_v_chihuahua.answers import Answer

Column = tuple[str, pa.DataType, list[object]]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_table(answers: Sequence[Answer]) -> pa.Table:
    """One row a file: its name, the verdict, what each class got, who answered, or the error.

    A class has a column if it was in anybody's answer; in the rows where it was not, it is empty.
    """
    columns = [*_of_files(answers), *_of_classes(answers), *_of_answering(answers)]
    return pa.Table.from_arrays(
        [pa.array(values, kind) for _, kind, values in columns],
        schema=pa.schema([pa.field(name, kind) for name, kind, _ in columns]),
    )


def as_parquet(answers: Sequence[Answer]) -> bytes:
    """The table in Parquet's format."""
    packed = BytesIO()
    parquet.write_table(as_table(answers), packed)
    return packed.getvalue()


def as_csv(answers: Sequence[Answer]) -> bytes:
    """The table as CSV in UTF-8, with the mark in front without which Excel takes it for something else."""
    table = as_table(answers)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(_harmless, table.column_names))
    writer.writerows(map(_harmless, row.values()) for row in table.to_pylist())
    return text.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _of_files(answers: Sequence[Answer]) -> Iterable[Column]:
    verdicts = [each.prediction and each.prediction.verdict for each in answers]
    yield "name", pa.string(), [each.name for each in answers]
    yield "verdict", pa.string(), list(verdicts)


def _of_classes(answers: Sequence[Answer]) -> Iterable[Column]:
    rows = [_shares(each) for each in answers]
    labels = sorted({label for row in rows for label in row})
    return [(f"probability of {label}", pa.float64(), [row.get(label) for row in rows]) for label in labels]


def _shares(answer: Answer) -> dict[str, float]:
    scores = answer.prediction.predictions if answer.prediction else ()
    return {score.label: score.probability for score in scores}


def _of_answering(answers: Sequence[Answer]) -> Iterable[Column]:
    predictions = [each.prediction for each in answers]
    errors = [each.error for each in answers]
    yield "model", pa.string(), [each and each.model.name for each in predictions]
    yield "model_version", pa.string(), [each and each.model.version for each in predictions]
    yield "model_digest", pa.string(), [each and each.model.digest for each in predictions]
    yield "prediction_id", pa.string(), [each and each.prediction_id for each in predictions]
    yield "ms", pa.float64(), [round(each.took_ms, 1) if each.prediction else None for each in answers]
    yield "error_code", pa.string(), [each and (each.code or type(each).__name__) for each in errors]
    yield "error", pa.string(), [str(each) if each else None for each in errors]
