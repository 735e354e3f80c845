"""`pytest-cosmos …`: the same stages without pytest. One small file per command."""

from __future__ import annotations

import sys

import typer

from pytest_cosmos.cli import (
    baseline,
    cache,
    calibrate,
    check_cases,
    compare,
    decide,
    doctor,
    finetune,
    gate,
    import_cases,
    leaks,
    merge,
    models,
    pack,
    power,
    report,
    split,
    workflow,
)
from pytest_cosmos.errors import CosmosError

app = typer.Typer(
    name="pytest-cosmos",
    help="A release gate for vision-language models: the stages around `pytest benchmarks/`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("check-cases")(check_cases.command)
app.command("split")(split.command)
app.command("finetune")(finetune.command)
app.command("leaks")(leaks.command)
app.command("gate")(gate.command)
app.command("calibrate")(calibrate.command)
app.command("compare")(compare.command)
app.command("decide")(decide.command)
app.command("merge")(merge.command)
app.command("report")(report.command)
app.command("pack")(pack.command)
app.command("import")(import_cases.command)
app.command("workflow")(workflow.command)
app.command("power")(power.command)
app.command("models")(models.command)
app.command("doctor")(doctor.command)
app.add_typer(baseline.app, name="baseline")
app.add_typer(cache.app, name="cache")


def main() -> None:
    """Run a command; a user's mistake is one message on stderr and exit 4, as in pytest."""
    try:
        app()
    except CosmosError as error:
        print(f"ERROR: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(4) from None
