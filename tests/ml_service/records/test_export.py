from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidConfiguration, InvalidDataset
from muffin_v_chihuahua_ml_service.records.archive import Archive
from muffin_v_chihuahua_ml_service.records.export import export_feedback
from muffin_v_chihuahua_ml_service.records.rows import AnsweringModel, PredictionRow
from muffin_v_chihuahua_ml_service.settings import Settings

Row = Callable[..., PredictionRow]
Command = Callable[..., Any]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate({"database_url": database_url, "keep_pictures": str(tmp_path / "kept")})


@pytest.fixture
def told(
    settings: Settings, make_row: Row, pictures: Callable[..., Path], tmp_path: Path
) -> list[PredictionRow]:
    """Predictions with their pictures, about which the truth was said; the last one's was not kept."""
    rows = []
    archive = Archive(settings)
    for path in sorted(pictures(tmp_path / "drawn", 3, 1).glob("*/*")):
        rows.append(make_row(picture=path.read_bytes()))
        archive.write(rows[-1:])
        archive.give_feedback(rows[-1].id, path.parent.name)
    rows.append(make_row())
    archive.write(rows[-1:])
    archive.give_feedback(rows[-1].id, "red")
    archive.write([make_row(picture=rows[0].picture)])
    archive.close()
    return rows


def test_what_is_exported_is_data_that_training_reads(
    settings: Settings, told: list[PredictionRow], tmp_path: Path
) -> None:
    from muffin_v_chihuahua_ml_service.training.data.dataset import read_dataset  # noqa: PLC0415

    outcomes = export_feedback(settings, tmp_path / "out")

    assert outcomes == {"written": 6, "without a picture": 1}
    samples = read_dataset([tmp_path / "out"])
    assert {(each.path.stem, each.label) for each in samples} == {
        (row.id, label) for row, label in zip(told, ["blue"] * 3 + ["red"] * 3, strict=False)
    }
    assert [each.path.read_bytes() for each in samples] == [row.picture for row in told[:6]]


def test_what_is_there_already_stays_and_what_was_corrected_since_moves(
    settings: Settings, told: list[PredictionRow], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export_feedback(settings, out)
    archive = Archive(settings)
    archive.give_feedback(told[0].id, "red")
    archive.close()

    outcomes = export_feedback(settings, out)

    assert outcomes == {"there already": 5, "moved": 1, "without a picture": 1}
    assert [path.parent.name for path in out.glob(f"*/{told[0].id}.bmp")] == ["red"]


def test_another_picture_is_never_written_over(
    settings: Settings, told: list[PredictionRow], tmp_path: Path
) -> None:
    mine = tmp_path / "out" / "blue" / f"{told[0].id}.bmp"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")

    with pytest.raises(InvalidDataset, match=f"{mine}: holds another picture"):
        export_feedback(settings, tmp_path / "out")

    assert mine.read_bytes() == b"mine"


@pytest.mark.usefixtures("told")
def test_only_some_can_be_asked_for(settings: Settings, make_row: Row, tmp_path: Path) -> None:
    now, digest = datetime.now(UTC), make_row().model.digest

    assert export_feedback(settings, tmp_path / "out", since=now + timedelta(hours=1)) == {}
    assert export_feedback(settings, tmp_path / "out", model="sha256:other") == {}
    recent = export_feedback(settings, tmp_path / "out", since=now - timedelta(hours=1), model=digest)
    assert recent["written"] == 6


def test_a_picture_that_has_gone_is_counted(
    settings: Settings, told: list[PredictionRow], tmp_path: Path
) -> None:
    for path in (tmp_path / "kept").glob(f"*/{told[0].id}.*"):
        path.unlink()

    assert export_feedback(settings, tmp_path / "out") == {"written": 5, "without a picture": 2}


@pytest.mark.usefixtures("told")
def test_where_the_pictures_are_has_to_be_set(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="does not say where"):
        export_feedback(settings.model_copy(update={"keep_pictures": None}), tmp_path / "out")


@pytest.mark.parametrize("label", ["..", "a/b", "a\\b"])
def test_no_label_leads_out_of_the_folder(
    settings: Settings, make_row: Row, tmp_path: Path, red: bytes, label: str
) -> None:
    model = AnsweringModel("strange", "1.0.0", "sha256:strange", (label, "red"))
    row, archive = make_row(model=model, picture=red), Archive(settings)
    archive.write([row])
    archive.give_feedback(row.id, label)
    archive.close()

    with pytest.raises(InvalidDataset, match="cannot be the name of a folder"):
        export_feedback(settings, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_the_command_says_what_became_of_the_feedback(
    settings: Settings,
    told: list[PredictionRow],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"

    outcome = command("export-feedback", out, "--model", told[0].model.digest, "--since", "2025-11-21")
    later = command("export-feedback", out, "--since", "2999-01-01T00:00:00")

    assert (outcome.status, outcome.out) == (0, f"{out}: 1 without a picture, 6 written\n")
    assert (later.status, later.out) == (0, f"{out}: there is no feedback\n")


def test_without_records_there_is_nothing_to_export(command: Command, tmp_path: Path) -> None:
    outcome = command("export-feedback", tmp_path / "out")

    assert outcome.status == 1
    assert outcome.err == "Error: ML_SERVICE_DATABASE_URL is `off`, so there is no feedback to export.\n"
