"""The command line: ``psp run``, ``psp tune``, ``psp capacity``, ``psp reproduce``, ``psp report``."""

from __future__ import annotations

import sys

import typer

from psp.cli.capacity import capacity_command
from psp.cli.reproduce import report_command, reproduce_command
from psp.cli.run import run_command
from psp.cli.tune import tune_command
from psp.errors import UserError
from psp.run import Stopped

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def psp() -> None:
    """Many models in one set of weights."""


app.command("run")(run_command)
app.command("tune")(tune_command)
app.command("capacity")(capacity_command)
app.command("reproduce")(reproduce_command)
app.command("report")(report_command)


def main() -> None:
    """Entry point: what only the user can mend is told in one sentence, with exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"psp: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped:
        print("psp: stopped; the same command with --resume goes on", file=sys.stderr)
        sys.exit(130)
