"""`pytest-cosmos leaks SUITE...`: find samples that are in two splits under other names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos.errors import CosmosError
from pytest_cosmos.report import text
from pytest_cosmos.suites import Suite, read_suite
from pytest_cosmos.suites.columns import known_columns
from pytest_cosmos.suites.leaks import Leak, suite_leaks, training_leaks

USER_ERROR = 4


def command(
    suites: Annotated[
        list[Path], typer.Argument(help="Suites' folders; of several, each training split against all tests")
    ],
    by: Annotated[list[str], typer.Option(help="Samples of one value in this column belong together; repeatable")] = [  # noqa: B006
        "group"
    ],
) -> None:
    """List pairs of files in different splits that are not independent; exit 4 if there are any."""
    found = [read_suite(folder, split=None, decode=()) for folder in suites]
    pairs = list(dict.fromkeys(leak for suite in found for leak in _leaks(suite, found, by)))
    for leak in pairs:
        typer.echo(str(leak))
    samples = sum(len(suite.samples) for suite in found)
    typer.echo(f"{text.plural(len(pairs), 'leak')} among {text.plural(samples, 'sample')}.", err=bool(pairs))
    raise typer.Exit(USER_ERROR if pairs else 0)


def _leaks(suite: Suite, suites: list[Suite], by: list[str]) -> tuple[Leak, ...]:
    columns = known_columns(by, suite.columns, "--by")
    try:
        return training_leaks(suite, suites, columns) if len(suites) > 1 else suite_leaks(suite, columns)
    except OSError as error:
        raise CosmosError(f"{error}. pytest-cosmos check-cases {suite.folder} tells all such files.") from None
