import os
import re
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import streamlit as st

from muffin_v_chihuahua import __version__
from muffin_v_chihuahua.__main__ import main
from muffin_v_chihuahua.settings import Settings
from muffin_v_chihuahua.streamlit_defaults import DEFAULTS

FRONTEND = Path(__file__).parents[2] / "frontend"
COMMAND = Path(sysconfig.get_path("scripts")) / "muffin-v-chihuahua-model-as-a-service"


class FakeApp:
    """Takes the place of `streamlit.App`: remembers what it would have been started with."""

    started_with: Mapping[str, Any]

    def __init__(self, script: Path, **_options: object) -> None:
        assert script.is_file()

    def run(self, config: Mapping[str, Any]) -> None:
        type(self).started_with = config


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> type[FakeApp]:
    for variable in [name for name in os.environ if name.startswith("STREAMLIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr(st, "App", FakeApp)
    return FakeApp


def test_without_options_the_demos_defaults_hold(app: type[FakeApp]) -> None:
    assert main(["run-demo"]) == 0
    assert app.started_with == DEFAULTS
    assert app.started_with["server.port"] == 8090
    assert "server.address" not in app.started_with


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [
        (["--server.port", "8091"], "server.port", 8091),
        (["--server.port=8091"], "server.port", 8091),
        (["--server.address", "127.0.0.1"], "server.address", "127.0.0.1"),
        (["--server.headless", "false"], "server.headless", False),
        (["--server.enableXsrfProtection=false"], "server.enableXsrfProtection", False),
        (["--theme.base", "dark"], "theme.base", "dark"),
        (["--theme.light.primaryColor", "#123456"], "theme.light.primaryColor", "#123456"),
        (["--server.baseUrlPath", "demo", "--server.port", "1"], "server.baseUrlPath", "demo"),
    ],
)
def test_any_option_of_streamlit_goes_before_the_defaults(
    app: type[FakeApp], arguments: list[str], option: str, value: object
) -> None:
    assert main(["run-demo", *arguments]) == 0
    assert app.started_with[option] == value
    assert app.started_with["client.showErrorDetails"] == "none"


def test_the_environment_goes_before_the_defaults(
    app: type[FakeApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "8092")
    monkeypatch.setenv("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "true")
    main(["run-demo"])
    assert app.started_with["server.port"] == 8092
    assert app.started_with["browser.gatherUsageStats"] is True


def test_the_command_line_goes_before_the_environment(
    app: type[FakeApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "8092")
    main(["run-demo", "--server.port", "8093"])
    assert app.started_with["server.port"] == 8093


@pytest.mark.parametrize("base", ["light", "dark"])
def test_one_half_of_the_theme_can_be_chosen_for_everybody(app: type[FakeApp], base: str) -> None:
    main(["run-demo", "--theme.base", base, "--theme.textColor", "#000000"])
    config = app.started_with
    assert config["theme.backgroundColor"] == DEFAULTS[f"theme.{base}.backgroundColor"]
    assert config["theme.textColor"] == "#000000"
    assert config["theme.baseRadius"] == DEFAULTS["theme.baseRadius"]
    assert not [option for option in config if option.startswith(("theme.light.", "theme.dark."))]


def test_somebody_elses_theme_replaces_ours(app: type[FakeApp]) -> None:
    main(["run-demo", "--theme.base", "themes/ours.toml"])
    themed = {option: value for option, value in app.started_with.items() if option.startswith("theme.")}
    assert themed == {"theme.base": "themes/ours.toml"}


def test_ctrl_c_is_no_traceback(app: type[FakeApp], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_app: FakeApp, config: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt(config)

    monkeypatch.setattr(app, "run", interrupted)
    assert main(["run-demo"]) == 130


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run-demo", "--server.prt", "1"], "--server.prt"),
        (["run-demo", "--nonsense"], "--nonsense"),
        (["run-demo", "--server.port", "soon"], "'soon' is not a valid integer"),
        (["run-demo", "--server.port"], "requires an argument"),
        (["run-demo", "surplus"], "surplus"),
        (["run-demos"], "run-demos"),
    ],
)
def test_what_was_said_wrongly_is_one_line_and_exit_status_two(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert complaint in line


@pytest.mark.usefixtures("app")
def test_a_wrong_setting_is_one_line_and_exit_status_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "ftp://x")
    assert main(["run-demo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "INFERENCE_HOST: 'ftp://' is not a scheme" in line


def test_help_explains_the_settings_and_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-demo", "--help"]) == 0
    text = capsys.readouterr().out
    assert "any Streamlit option" in " ".join(text.split())
    for field in Settings.model_fields.values():
        assert str(field.validation_alias) in text
    for option in DEFAULTS:
        assert f"--{option}" in text


def test_without_a_subcommand_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "run-demo" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (FRONTEND / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert versions[0] == __version__


def test_the_readme_has_every_setting_and_the_port() -> None:
    readme = (FRONTEND / "README.md").read_text("utf-8")
    assert str(DEFAULTS["server.port"]) in readme
    for field in Settings.model_fields.values():
        assert f"| `{field.validation_alias}` | " in readme
        assert field.default is None or f"`{field.default}`" in readme


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def demo(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The installed command, started in a folder that has nothing to do with it."""
    arguments = [str(COMMAND), "run-demo", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with subprocess.Popen(  # noqa: S603 - our own command
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def body_of(url: str, within_s: float = 30) -> str:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5) as answer:  # noqa: S310 - http on 127.0.0.1
                return str(answer.read().decode())
        except URLError:
            time.sleep(0.1)
    return ""


def test_the_installed_command_serves_the_pages_and_stops_when_told(
    demo: subprocess.Popen[str], port: int
) -> None:
    assert body_of(f"http://127.0.0.1:{port}/_stcore/health") == "ok"
    assert "<title>" in body_of(f"http://127.0.0.1:{port}/your-pictures")
    demo.terminate()
    output, _ = demo.communicate(timeout=20)
    assert "Traceback" not in output
    assert "Warning" not in output
