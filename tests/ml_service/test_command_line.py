import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from typer.main import get_command

from muffin_v_chihuahua_ml_service import __main__
from muffin_v_chihuahua_ml_service.model import predictor
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle, digest_of
from muffin_v_chihuahua_ml_service.model.loading import load_model
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.serving.processes import starting
from muffin_v_chihuahua_ml_service.settings import Settings

Command = Callable[..., Any]

COMMANDS = (
    "serve",
    "predict",
    "bench",
    "build",
    "package",
    "verify",
    "train",
    "suspects",
    "evaluate",
    "import-imagenet",
    "export-feedback",
)

SHARE = r"[01]\.\d{4}"


@pytest.fixture(autouse=True)
def _one_process_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_SERVICE_WORKERS", "1")


def error_of(outcome: Any) -> str:
    """The one line that a command which fails on purpose has to say."""
    assert outcome.status == 1
    [line] = outcome.err.splitlines()
    assert line.startswith("Error: ")
    return str(line)


def test_these_are_all_commands() -> None:
    assert set(getattr(get_command(__main__.app), "commands", ())) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does(command: Command, name: str) -> None:
    outcome = command(name, "--help")

    assert outcome.status == 0
    assert f"Usage: muffin-v-chihuahua-ml-service {name} " in outcome.out


def test_without_arguments_it_says_which_commands_there_are(command: Command) -> None:
    outcome = command()

    assert all(name in outcome.out + outcome.err for name in COMMANDS)


def test_it_says_its_version(command: Command) -> None:
    outcome = command("--version")

    assert (outcome.status, outcome.out) == (0, version("muffin-v-chihuahua-ml-service") + "\n")


def test_it_can_be_run_as_a_module() -> None:
    arguments = [sys.executable, "-m", "muffin_v_chihuahua_ml_service", "--version"]
    process = subprocess.run(arguments, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves

    assert process.stdout == version("muffin-v-chihuahua-ml-service") + "\n"


@pytest.fixture
def served(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> ModelBundle:
    """The tiny bundle, which is also the one that is set."""
    monkeypatch.setenv("ML_SERVICE_MODEL", str(tiny_bundle.folder))
    return tiny_bundle


def test_pictures_are_predicted_one_line_each(command: Command, served: ModelBundle) -> None:
    blue, red = (served.folder / golden.file for golden in served.manifest.golden)

    outcome = command("predict", red, blue)

    assert outcome.status == 0
    lines = [
        rf"{red}: red \(red {SHARE}, blue {SHARE}\)\n",
        rf"{blue}: blue \(blue {SHARE}, red {SHARE}\)\n",
    ]
    assert re.fullmatch("".join(lines), outcome.out)


@pytest.mark.usefixtures("served")
def test_a_picture_that_is_rejected_is_named_and_the_others_are_predicted(
    command: Command, served: ModelBundle, tmp_path: Path
) -> None:
    good, bad = served.folder / served.manifest.golden[0].file, tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")

    outcome = command("predict", bad, good)

    assert outcome.status == 1
    assert outcome.out.startswith(f"{good}: blue (")
    assert f"{bad}: These 10 bytes are not a picture; send one of JPEG, PNG, WEBP, GIF, BMP.\n" in outcome.err


def test_as_many_classes_are_printed_as_were_asked_for(command: Command, served: ModelBundle) -> None:
    outcome = command("predict", served.folder / served.manifest.golden[0].file, "--top-k", 1)

    assert re.fullmatch(rf".+: blue \(blue {SHARE}\)\n", outcome.out)


@pytest.fixture
def asked_for(served: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What predictors are asked for: engine, precision, threads, streams; there are 3 cores."""
    asked: list[tuple[Any, ...]] = []

    def load(_: ModelBundle, *how: str, threads: int, streams: int, **_others: Any) -> Predictor:
        asked.append((*how, threads, streams))
        return load_predictor(served, "litert", threads=1)

    monkeypatch.setattr(predictor, "load_predictor", load)
    monkeypatch.setenv("ML_SERVICE_STREAMS", "3")
    return asked


def test_a_command_for_one_caller_gives_all_its_threads_to_each_inference(
    command: Command, served: ModelBundle, workshop: Any, asked_for: list[tuple[Any, ...]]
) -> None:
    picture = served.folder / served.manifest.golden[0].file

    command("predict", picture)
    command("predict", picture, "--engine", "openvino", "--precision", "bf16")
    command("evaluate", served.folder, workshop.data, "--no-behaviour", "--precision", "f32")

    assert asked_for == [("auto", "auto", 3, 1), ("openvino", "bf16", 3, 1), ("auto", "f32", 3, 1)]


def test_a_service_has_its_streams(asked_for: list[tuple[Any, ...]]) -> None:
    load_model(Settings(threads=2, engine="onnxruntime", precision="int8"))

    assert asked_for == [("onnxruntime", "int8", 2, 3)]


def test_a_bench_measures_each_way_to_run_a_bundle_and_says_which_settings_were_best(
    command: Command, served: ModelBundle
) -> None:
    outcome = command("bench", "--model", served.folder, "--engine", "litert", "--seconds", 0.1)

    assert outcome.status == 0, outcome.err
    assert "litert in f32, 1 x " in outcome.err
    assert re.search(r"litert +f32 +1 +\d+ +\d+ +\d+ +\d+\.\d", outcome.out)
    for purpose in ("Most pictures a second", "Least time for a lone caller"):
        assert re.search(
            purpose + r": ML_SERVICE_ENGINE=litert ML_SERVICE_PRECISION=f32 ML_SERVICE_STREAMS=\d+ "
            r"ML_SERVICE_THREADS=\d+ ML_SERVICE_BATCH_SIZE=\d+\n",
            outcome.out,
        )


@pytest.mark.parametrize("arguments", [("nowhere.jpg",), (), ("--top-k", "0", "pyproject.toml")])
def test_a_command_line_that_makes_no_sense_ends_with_status_2(
    command: Command, arguments: tuple[str, ...]
) -> None:
    assert command("predict", *arguments).status == 2


def test_an_option_counts_more_than_the_environment(
    command: Command, served: ModelBundle, red_file: Path
) -> None:
    assert "'no-such-model'" in error_of(command("predict", red_file, "--model", "no-such-model"))
    assert served.folder.exists()


@pytest.fixture
def red_file(tmp_path: Path, red: bytes) -> Path:
    path = tmp_path / "red.png"
    path.write_bytes(red)
    return path


def test_a_model_that_is_not_there_is_one_line(command: Command, red_file: Path) -> None:
    found = error_of(command("predict", red_file, "--model", "no-such-model"))

    assert "'no-such-model' is neither a folder with a model.json nor an installed model" in found


def test_an_engine_that_the_bundle_has_nothing_for_is_one_line(
    command: Command, fake_bundle: Callable[..., ModelBundle], red_file: Path
) -> None:
    bundle = fake_bundle(artefacts={"tensorflow": "model.keras"})

    found = error_of(command("predict", red_file, "--model", bundle.folder, "--engine", "litert"))

    assert "No engine for 'litert'" in found


def test_a_damaged_bundle_is_one_line(
    command: Command, fake_bundle: Callable[..., ModelBundle], red_file: Path
) -> None:
    bundle = fake_bundle()
    (bundle.folder / "model.tflite").write_bytes(b"other")

    assert "model.tflite: is not the file" in error_of(command("predict", red_file, "--model", bundle.folder))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ML_SERVICE_PORT", "99999", "less than or equal to 65535"),
        ("ML_SERVICE_WORKERS", "0", "greater than 0"),
        ("ML_SERVICE_THREADS", "0", "greater than 0"),
        ("ML_SERVICE_MAX_PICTURE_BYTES", "10 MB", "valid integer"),
        ("ML_SERVICE_MAX_PICTURE_PIXELS", "-1", "greater than 0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line_with_its_name(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)

    found = error_of(command("predict", __file__))

    assert found.startswith(f"Error: {name}: ")
    assert reason in found


@pytest.mark.parametrize(("name", "value"), [("ML_SERVICE_PORT", "http"), ("ML_SERVICE_ENGINE", "steam")])
def test_a_setting_that_is_also_an_option_is_refused_as_one(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    outcome = command("serve")

    assert outcome.status == 2
    assert name in outcome.err


def test_a_model_is_trained_built_and_evaluated_from_the_command_line(
    command: Command, workshop: Any, tmp_path: Path
) -> None:
    source, bundle, config = tmp_path / "source", tmp_path / "bundle", tmp_path / "training.yaml"
    config.write_text(f"{{golden: {workshop.golden}, backbone: {workshop.backbone}, fine_tuning: null}}")
    what = ("--out", source, "--config", config, "--seed", 3, "--work", tmp_path / "work")

    trained = command("train", workshop.data, *what, "--name", "tiny", "--version", "0.1.0")
    built = command("build", source, "--out", bundle)
    measured = command("evaluate", bundle, workshop.data, "--split", "all", "--between", "red", "blue")

    assert (trained.status, built.status, measured.status) == (0, 0, 0)
    assert re.search(rf"{source}: tiny 0\.1\.0, sha256:[0-9a-f]{{64}}\n", trained.out)
    assert f"{bundle}: tiny 0.1.0, {ModelBundle.read(bundle).digest}\n" in built.out
    assert re.search(r"all +│ 80 +│ 100\.0% +│ 95\.4-100\.0% +│ 100\.0% of 40 +│ 100\.0% of 40", measured.out)
    assert "red against blue: 100.00% (95.42-100.00%) right, 0 wrong of 80\n" in measured.out
    assert "The verdict on other versions of 80 pictures" in measured.out


def test_an_evaluation_says_what_it_is_asked_for_and_no_more(
    command: Command, tiny_bundle: ModelBundle, workshop: Any
) -> None:
    outcome = command("evaluate", tiny_bundle.folder, workshop.data, "--no-behaviour")

    assert outcome.status == 0
    assert "all " in outcome.out
    for absent in ("against", "other versions", "none of the classes", "McNemar"):
        assert absent not in outcome.out


def test_an_evaluation_can_be_written_down_and_compared(
    command: Command, tiny_bundle: ModelBundle, workshop: Any, tmp_path: Path
) -> None:
    quickly = (
        "--no-behaviour",
        "--outside",
        workshop.golden,
        "--outside",
        workshop.data,
        "--negative",
        "red",
    )
    other = ("--against", tiny_bundle.folder, "--out", tmp_path / "report")

    outcome = command("evaluate", tiny_bundle.folder, workshop.data, *quickly, *other)

    assert outcome.status == 0
    assert re.search(r"golden +│ 2 +│ 0\.0% +│ 50\.0% +│ 50\.0%", outcome.out)
    assert f"{tiny_bundle.folder}: 100.00%" in outcome.out
    assert "McNemar's exact test: p = 1\n" in outcome.out
    assert f"{tmp_path / 'report' / 'comparison.json'}\n" in outcome.out
    content = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert (content["measures"]["negative"], content["mistakes"]) == ("red", [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "source", "--out", "bundle"),
        ("evaluate", "model", "data"),
        ("import-imagenet", "out.keras"),
        ("train", "data", "--out", "out"),
        ("suspects", "data", "--out", "suspects.csv"),
        ("package", "bundle"),
    ],
)
def test_what_needs_tensorflow_says_how_to_install_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(__main__, "find_spec", lambda _: None)
    monkeypatch.setattr(__main__, "TENSORFLOW_ENDS", (4, 0))

    found = error_of(command(*arguments))

    assert (
        f"`{arguments[0]}` needs tensorflow: pip install 'muffin-v-chihuahua-ml-service[tensorflow]'" in found
    )


def test_where_tensorflow_has_no_release_it_says_so(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "find_spec", lambda _: None)
    monkeypatch.setattr(__main__, "TENSORFLOW_ENDS", sys.version_info[:2])
    here = f"{sys.version_info.major}.{sys.version_info.minor}"

    found = error_of(command("train", "data", "--out", "out"))

    assert f"`train` needs TensorFlow, which has no release for Python {here}; use Python 3.11 to " in found


def test_what_needs_mlflow_says_how_to_install_it(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "find_spec", lambda name: None if name == "mlflow" else name)

    found = error_of(command("train", "data", "--out", "out", "--mlflow"))

    assert "`train --mlflow` needs mlflow: pip install 'muffin-v-chihuahua-ml-service[mlflow]'" in found


Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def serve(start_process: Serve) -> Serve:
    """Start `serve` as a process of its own, on a free port."""
    name = Path(sys.executable).with_name("muffin-v-chihuahua-ml-service")

    def begin(*arguments: object, **environment: str) -> subprocess.Popen[str]:
        line = [name, "serve", "--port", "0", "--workers", "1", *arguments]
        return start_process(line, stderr=subprocess.PIPE, env=os.environ | environment)

    return begin


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found.group()
    pytest.fail("It ended without having listened.")


def test_a_real_service_answers_until_it_is_told_to_stop(
    serve: Serve, served: ModelBundle, until: Callable[[Callable[[], bool]], None]
) -> None:
    process = serve()
    address = address_of(process)

    def is_up() -> bool:
        try:
            return bool(urllib.request.urlopen(address).status == 200)  # noqa: S310 - our own address
        except urllib.error.HTTPError as error:
            error.close()
            return False

    until(is_up)
    picture = (served.folder / "golden/red-2-0.bmp").read_bytes()
    request = urllib.request.Request(f"{address}/predict", picture, {"Content-Type": "image/bmp"})  # noqa: S310
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer = response.read().decode()
    os.kill(process.pid, signal.SIGTERM)

    assert '"verdict":"red"' in answer
    assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("option", "line"), [("json", r'\{.*"verdict":"red".*\}'), ("text", "INFO .* red .*")]
)
def test_a_service_writes_a_line_for_each_request_to_standard_output(
    serve: Serve, served: ModelBundle, until: Callable[[Callable[[], bool]], None], option: str, line: str
) -> None:
    process = serve("--log-format", option)
    address, said = address_of(process), collected(process)
    until(lambda: any("Serving tiny" in each for each in said))
    picture = (served.folder / "golden/red-2-0.bmp").read_bytes()
    request = urllib.request.Request(f"{address}/predict", picture, {"Content-Type": "image/bmp"})  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310
    process.terminate()

    assert process.stdout
    assert re.fullmatch(line + "\n", process.stdout.read())
    [serving] = [each for each in said if "Serving tiny" in each]
    assert serving.startswith('{"timestamp"' if option == "json" else "INFO     Serving")


def archived(bundle: ModelBundle, path: Path, changes: dict[str, bytes | None]) -> None:
    """Put the bundle's files into an archive, with other contents or without those that become None."""
    files = {str(file.relative_to(bundle.folder)): file for file in bundle.folder.rglob("*")}
    contents = {name: file.read_bytes() for name, file in files.items() if file.is_file()}
    with ZipFile(path.with_suffix(".new"), "w") as archive:
        for name, content in (contents | changes).items():
            if content is not None:
                archive.writestr(name, content)
    path.with_suffix(".new").replace(path)


def test_a_running_service_takes_a_new_model_on_sighup_and_keeps_the_old_one_if_it_is_not_whole(
    serve: Serve, tiny_bundle: ModelBundle, tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    def manifest(version: str = "0.2.0", **changes: Any) -> bytes:
        """That of another bundle, since what is kept under its digest is not looked at in the archive."""
        same = tiny_bundle.manifest.model_dump(mode="json")
        return json.dumps(same | {"version": version} | changes).encode()

    picture = (tiny_bundle.folder / "golden/red-2-0.bmp").read_bytes()
    network = (tiny_bundle.folder / "model.tflite").read_bytes()
    path = tmp_path / "model.zip"
    archived(tiny_bundle, path, {})
    environment = {"ML_SERVICE_CACHE": str(tmp_path / "cache"), "ML_SERVICE_ENGINE": "litert"}
    process = serve("--model", path, **environment)
    address, said = address_of(process), collected(process)

    def digest() -> str:
        request = urllib.request.Request(f"{address}/predict", picture, {"Content-Type": "image/bmp"})  # noqa: S310
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return str(json.load(response)["model"]["digest"])

    def hang_up(changes: dict[str, bytes | None], awaited: str) -> str:
        archived(tiny_bundle, path, changes)
        os.kill(process.pid, signal.SIGHUP)
        until(lambda: any(awaited in line for line in said))
        return next(line for line in said if awaited in line)

    until(lambda: any("Serving tiny" in line for line in said))
    refused: list[tuple[dict[str, bytes | None], str]] = [
        ({"model.tflite": bytes([network[0] ^ 1]) + network[1:]}, "model.tflite: is not the file"),
        ({"golden/red-2-0.bmp": None}, "golden/red-2-0.bmp: the manifest lists it, but it is not there"),
        ({"../outside": b""}, "'../outside' is not a path inside the archive"),
        ({"model.json": manifest(format_version=5)}, "model.json: format_version 5"),
        ({"model.json": manifest(golden=wrong_golden(tiny_bundle))}, "where the manifest expects"),
    ]
    for changes, reason in refused:
        assert "The model was not replaced: " in hang_up({"model.json": manifest(), **changes}, reason)
        assert digest() == tiny_bundle.digest
    assert "Serving tiny 0.3.0" in hang_up({"model.json": manifest("0.3.0")}, "Serving tiny 0.3.0")
    assert digest() == digest_of(manifest("0.3.0"))
    process.terminate()
    assert process.wait(timeout=30) == 0


def wrong_golden(bundle: ModelBundle) -> list[dict[str, Any]]:
    return [{"file": each.file, "probabilities": each.probabilities[::-1]} for each in bundle.manifest.golden]


def collected(process: subprocess.Popen[str]) -> list[str]:
    """The lines that the process goes on to say, as they come."""
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True).start()
    return lines


@pytest.mark.parametrize("fault", ["no model", "no network"])
def test_a_service_that_can_never_answer_ends_with_status_1_and_its_reason(
    serve: Serve, fake_bundle: Callable[..., ModelBundle], fault: str
) -> None:
    model = "no-such-model" if fault == "no model" else fake_bundle().folder
    reason = "'no-such-model' is neither" if fault == "no model" else "the network cannot be loaded"

    process = serve("--model", model, "--engine", "onnxruntime")
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    [line] = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert reason in line
    assert "Traceback" not in errors


def test_a_service_whose_loading_fails_in_a_way_that_nobody_foresaw_ends_too(
    command: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(_settings: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(starting, "load_model", load)

    found = error_of(command("serve", "--port", 0))

    assert found == "Error: an error that nobody foresaw (KeyError: 'unforeseen')"
    assert "Traceback" in caplog.text
