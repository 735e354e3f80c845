"""`pytest-cosmos report RUN`: render a finished run's report again, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos import pipeline
from pytest_cosmos.comparing import baselines_of
from pytest_cosmos.runlog import open_run


def command(
    run: Annotated[Path, typer.Argument(help="A run folder, e.g. reports/latest")],
    root: Annotated[Path, typer.Option(help="The project, where thresholds and pictures lie")] = Path(),
) -> None:
    """Render index.html of a run again."""
    folder = open_run(run)
    found = folder.read_run()
    conclusion = pipeline.conclude(
        folder, pipeline.thresholds_of(found, root), baselines_of(folder, found, root), root=root
    )
    typer.echo(pipeline.report(folder, conclusion, root))
