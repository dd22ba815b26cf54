"""The command `muffin-v-chihuahua-model-as-a-service`, which has one subcommand: `run-demo`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import streamlit as st
from streamlit.web.cli import configurator_options

from muffin_v_chihuahua import __version__
from muffin_v_chihuahua.language import tr
from muffin_v_chihuahua.memory import keep_little
from muffin_v_chihuahua.settings import InvalidSettings, Settings, load_settings
from muffin_v_chihuahua.streamlit_defaults import DEFAULTS, config_with

PROGRAM = "muffin-v-chihuahua-model-as-a-service"


class _DemoCommand(click.Command):
    """Takes every option that Streamlit has, but does not list the three hundred of them."""

    def format_options(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what a reader of `--help` looks for: our settings, our defaults, one example option."""
        with formatter.section("Options"):
            formatter.write_dl(
                [
                    ("--server.port 8090", "Any option of Streamlit; 'streamlit run --help' lists them all."),
                    ("--help", "Show this message and exit."),
                ]
            )
        with formatter.section("Settings, from the environment"):
            formatter.write_dl(_settings_help())
        with formatter.section("Streamlit's options, where this demo sets them"):
            formatter.write_dl([(f"--{option}", str(value)) for option, value in DEFAULTS.items()])


def _settings_help() -> list[tuple[str, str]]:
    return [
        (str(field.validation_alias), f"{field.description}  [default: {field.default}]")
        for field in Settings.model_fields.values()
    ]


@click.group(invoke_without_command=True)
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def command(context: click.Context) -> None:
    """Muffin or chihuahua? The demo's pages, which ask a prediction service."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@command.command("run-demo", cls=_DemoCommand, options_metavar="[any Streamlit option]...")
@configurator_options
@click.pass_context
def run_demo(context: click.Context, /, **_options: Any) -> None:
    """Serve the pages, on port 8090 unless told otherwise.

    An option of Streamlit is taken from the command line, else from its own variable in the environment
    (STREAMLIT_SERVER_PORT for --server.port), else from this demo's defaults, else from a config.toml.
    """
    try:
        load_settings()
    except InvalidSettings as invalid:
        raise click.UsageError(str(invalid)) from invalid
    keep_little()
    page = Path(__file__).with_name("streamlit_app.py")
    st.App(page, on_script_error=apologise).run(config=config_with(chosen_options(context)))


def chosen_options(context: click.Context) -> dict[str, Any]:
    """Streamlit's options from the command line and the environment, by their dotted names."""
    return {
        parameter.opts[0].removeprefix("--"): context.params[parameter.name]
        for parameter in context.command.params
        if parameter.name and context.params.get(parameter.name) not in (None, ())
    }


def apologise(_bug: Exception) -> bool:
    """Draw a sentence in place of a traceback, which Streamlit has already written to the log."""
    st.error(tr("Something went wrong in this page. It is not your fault, and it is in the log."), icon="🩹")
    st.button(tr("Try again"), key="try_again_after_a_bug")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what it was told wrongly is one line, and exit status 2."""
    try:
        return command.main(arguments, prog_name=PROGRAM, standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:  # Ctrl-C
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
