"""How a benchmark is run from a command line."""

import typer

from .errors import BenchmarkError


def run_command(app: typer.Typer) -> None:
    """Run the command; what stops it on purpose becomes one line and exit status 1."""
    try:
        app()
    except BenchmarkError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from error
