import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from muffin_v_chihuahua_ml_service.errors import RecordsUnavailable
from muffin_v_chihuahua_ml_service.records import database, migrating
from muffin_v_chihuahua_ml_service.records.addresses import sqlalchemy_url
from muffin_v_chihuahua_ml_service.records.archive import Archive
from muffin_v_chihuahua_ml_service.records.database import MIGRATE, Database
from muffin_v_chihuahua_ml_service.records.engines import ONLY_READS, make_engine
from muffin_v_chihuahua_ml_service.records.migrating import alembic_config, migrate
from muffin_v_chihuahua_ml_service.records.revisions import revision_of
from muffin_v_chihuahua_ml_service.records.rows import PredictionRow
from muffin_v_chihuahua_ml_service.records.tables import HEAD, REVISIONS, metadata
from muffin_v_chihuahua_ml_service.settings import Settings

Open = Callable[..., Archive]
Row = Callable[..., PredictionRow]
Look = Callable[[Archive, str], list[tuple[Any, ...]]]


def address(url: str) -> str:
    """As SQLAlchemy takes it."""
    return sqlalchemy_url(Settings.model_validate({"database_url": url}))


def test_the_tables_are_as_the_migrations_leave_them(database_url: str) -> None:
    engine = make_engine(address(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_migrations_are_those_that_are_known(sqlite_url: str) -> None:
    engine = make_engine(address(sqlite_url))
    with engine.connect() as connection:
        steps = ScriptDirectory.from_config(alembic_config(connection)).walk_revisions()
        assert tuple(step.revision for step in steps)[::-1] == REVISIONS
    engine.dispose()


def take_back(engine: Engine) -> None:
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "base")


def described(engine: Engine) -> dict[str, str]:
    """All tables with their columns, keys and indexes, and what is in them from the start."""
    with engine.connect() as connection:
        found = inspect(connection)
        kinds = (found.get_columns, found.get_pk_constraint, found.get_foreign_keys, found.get_indexes)
        return {
            name: repr(
                [
                    *(kind(name) for kind in kinds),
                    connection.execute(text(f"SELECT * FROM {name}")).all(),  # noqa: S608 - our own tables
                ]
            )
            for name in found.get_table_names()
        }


def test_the_tables_of_a_new_database_are_those_that_the_migrations_make(
    open_archive: Open, empty_url: str
) -> None:
    open_archive(empty_url).open()
    engine = make_engine(address(empty_url))
    made = described(engine)

    take_back(engine)
    migrate(address(empty_url))

    assert described(engine) == made
    assert made.keys() == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_every_migration_can_be_taken_back(database_url: str) -> None:
    engine = make_engine(address(database_url))
    take_back(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM alembic_version")).all() == []
        context = MigrationContext.configure(connection)
        assert len(compare_metadata(context, metadata)) >= len(metadata.tables)
    engine.dispose()


def test_an_empty_database_gets_its_tables_with_the_first_row_and_without_another_process(
    open_archive: Open, empty_url: str, make_row: Row, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "MIGRATE", ("no such program",))
    archive = open_archive(empty_url)

    archive.write([make_row()])

    assert look(archive, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert look(archive, "SELECT count(*) FROM predictions") == [(1,)]


OPEN = (
    *(sys.executable, "-c"),
    f"from {Archive.__module__} import Archive, Settings; Archive(Settings()).open()",
)


def test_several_processes_that_find_an_empty_database_at_once_make_its_tables_once(
    empty_url: str, open_archive: Open, look: Look, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    environment = {**os.environ, "ML_SERVICE_DATABASE_URL": empty_url}
    processes = [
        subprocess.Popen(line, env=environment, stderr=subprocess.PIPE)  # noqa: S603 - ourselves
        for line in (MIGRATE, OPEN) * 2
    ]

    said = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, said
    assert look(open_archive(empty_url), "SELECT name FROM chores") == [("retention",)]


def test_a_database_of_a_newer_version_is_left_alone(open_archive: Open, database_url: str) -> None:
    engine = make_engine(address(database_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(RecordsUnavailable, match=r"of a newer version \(revision 9999\) and left alone"):
        open_archive(database_url).open()
    with pytest.raises(RecordsUnavailable, match=r"Can't locate revision .*9999"):
        migrate(address(database_url))


@pytest.fixture
def _old(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database's tables those of a version before the first one."""
    monkeypatch.setattr(database, "REVISIONS", ("0000", *REVISIONS))
    engine = make_engine(address(database_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()


MIGRATES = f"""
from os import environ
from sqlalchemy import text
from {make_engine.__module__} import make_engine
with make_engine(environ["ML_SERVICE_DATABASE_URL"]).begin() as connection:
    connection.execute(text("UPDATE alembic_version SET version_num = '{HEAD}'"))
"""  # noqa: S608 - our own revision


@pytest.mark.usefixtures("_old")
def test_an_old_database_is_migrated_by_a_process_of_its_own(
    open_archive: Open, database_url: str, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    monkeypatch.setattr(database, "MIGRATE", (sys.executable, "-c", MIGRATES))

    archive = open_archive(database_url)

    assert look(archive, "SELECT version_num FROM alembic_version") == [(HEAD,)]


@pytest.mark.usefixtures("_old")
def test_a_migration_that_fails_says_why(open_archive: Open, database_url: str) -> None:
    with pytest.raises(RecordsUnavailable, match=r"not brought up to date: Can't locate revision .*0000"):
        open_archive(database_url).open()


@pytest.mark.usefixtures("_old")
def test_a_migration_that_hangs_is_given_up(
    open_archive: Open, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "MIGRATE", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(database, "_MIGRATING_S", 0.1)

    with pytest.raises(RecordsUnavailable, match=r"timed out after 0\.1 seconds"):
        open_archive(database_url).open()


def test_who_migrates_waits_for_another_one_and_who_only_reads_does_not(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muffin_v_chihuahua_ml_service.records.engines._PATIENCE_S", 0)
    other, engine = Database(sqlite_url), make_engine(sqlite_url)
    with ThreadPoolExecutor() as threads:
        with other.begin(), engine.execution_options(**ONLY_READS).begin() as connection:
            migrating_too = threads.submit(migrate, sqlite_url)
            assert revision_of(connection) == HEAD
        migrating_too.result(timeout=60)

    other.close()
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["sqlite:////dev/null/records.db", "mysql://host/records", "sqlite:////proc/x.db"]
)
def test_a_migration_that_cannot_be_says_why_in_one_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_SERVICE_DATABASE_URL", url)

    with pytest.raises(SystemExit) as end:
        migrating.main()

    assert "\n" not in str(end.value.code)
    assert len(str(end.value.code)) > 10


def test_the_database_that_is_set_is_migrated(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, open_archive: Open, look: Look
) -> None:
    monkeypatch.setenv("ML_SERVICE_DATABASE_URL", empty_url)

    migrating.main()

    assert look(open_archive(empty_url), "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_a_database_that_goes_away_is_used_again_when_it_is_back(
    open_archive: Open, postgresql: Any, make_row: Row, look: Look
) -> None:
    archive = open_archive(postgresql.create("template"))
    rows = [make_row(), make_row()]
    archive.write(rows[:1])

    postgresql.stop()
    for _ in range(2):
        with pytest.raises(RecordsUnavailable):
            archive.write(rows[1:])
    postgresql.start()
    archive.write(rows[1:])

    assert look(archive, "SELECT count(*) FROM predictions") == [(2,)]


def test_a_file_that_cannot_be_made_is_no_database(open_archive: Open, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RecordsUnavailable, match="File exists"):
        open_archive(f"sqlite:///{tmp_path}/file/records.db").open()


def test_whoever_has_to_wait_too_long_for_the_lock_tries_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muffin_v_chihuahua_ml_service.records.engines._PATIENCE_S", 0.05)
    first, second = Database(sqlite_url), Database(sqlite_url)

    with first.begin(), pytest.raises(RecordsUnavailable, match="database is locked"), second.begin():
        pass
    with second.begin():
        pass

    first.close()
    second.close()
    second.close()


def test_what_is_undone_leaves_nothing(archive: Archive, look: Look) -> None:
    def break_off() -> None:
        with archive.database.begin() as connection:
            connection.execute(text("DELETE FROM chores"))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()

    assert look(archive, "SELECT name FROM chores") == [("retention",)]
