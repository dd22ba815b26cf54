import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import processes
from benchmarks.errors import SystemFailed
from benchmarks.load import callers_load, run
from benchmarks.systems import STANDARD, System, all_systems, running

Make = Callable[..., System]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_system_runs_until_it_is_no_longer_needed(fake_system: Make, tmp_path: Path) -> None:
    with running(fake_system("ours"), b"picture", tmp_path) as service:
        assert alive(service.pid)
        assert 0 < service.cold_start_s < 30
        assert b"chihuahua" in (service.predict(b"picture") or b"")
        assert 1 < service.megabytes() < 200
        load = run(callers_load(service.target([b"picture"]), 2, seconds=0.3))

    assert load.results.keys() == {"200"}
    assert load.server_cpu > 0
    assert not alive(service.pid)


def test_a_system_has_no_settings_from_outside(
    fake_system: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_SERVICE_THREADS", "1")
    system = replace(fake_system("ours"), variables={"MODEL": "model.onnx"})

    with running(system, b"picture", tmp_path) as service:
        variables = Path(f"/proc/{service.pid}/environ").read_text().split("\0")

    assert "MODEL=model.onnx" in variables
    assert not any(each.startswith("ML_SERVICE_") for each in variables)


def test_a_refusal_is_no_prediction(fake_system: Make, tmp_path: Path) -> None:
    with running(fake_system("ours", status=503, after=1), b"picture", tmp_path) as service:
        assert service.predict(b"picture") is None


def test_a_system_that_ends_at_once_is_reported_with_its_log(fake_system: Make, tmp_path: Path) -> None:
    system = replace(fake_system("ours"), command=("python3", "-c", "raise SystemExit('no model')"))

    with pytest.raises(SystemFailed, match=r"what it said is in .*ours\.log"), running(system, b"", tmp_path):
        pass

    assert "no model" in (tmp_path / "ours.log").read_text()


def test_what_a_system_leaves_behind_is_ended_too(
    fake_system: Make, tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    kept = tmp_path / "pid"
    system = fake_system("ours")
    shell = f"sleep 60 & echo $! > {kept}; exec {' '.join(system.command)}"

    with running(replace(system, command=("sh", "-c", shell)), b"picture", tmp_path):
        assert alive(int(kept.read_text()))

    until(lambda: not _runs(int(kept.read_text())))


def _runs(pid: int) -> bool:
    """Whether it still runs; where nobody waits for it, a killed process stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_system_that_does_not_end_when_asked_is_killed(
    fake_system: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_STOP_LIMIT_S", 0.1)
    system = fake_system("ours")
    script = Path(system.command[2])
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + script.read_text()

    with running(
        replace(system, command=(system.command[0], "-c", deaf, *system.command[3:])), b"", tmp_path
    ) as service:
        pass

    assert not alive(service.pid)


def test_the_systems_are_started_as_their_users_start_them(tmp_path: Path) -> None:
    ours, plain, litserve, *tried = all_systems(tmp_path / "environments", tmp_path / "model")

    assert (ours.name, plain.name, litserve.name) == STANDARD
    assert ours.command[1:4] == ("serve", "--model", str(tmp_path / "model"))
    assert ours.variables == {"ML_SERVICE_DATABASE_URL": f"sqlite:///{tmp_path}/environments/ours/records.db"}
    for system in (plain, litserve, *tried):
        assert system.variables["MODEL"] == str(tmp_path / "model/model.onnx")
        assert (system.folder / "service.py").is_file()
        assert (system.folder / "requirements.txt").is_file()
        assert os.fspath(system.environment) in system.command[0]
    assert len({system.name for system in tried}) == len(tried) == 3
