"""`pytest-cosmos gate RUN`: hold a finished run against the thresholds again, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos.cli.printing import concluding_lines, print_lines
from pytest_cosmos.comparing import baselines_of, compared_anew, looser_since
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.pipeline import conclude, thresholds_of
from pytest_cosmos.report import Line
from pytest_cosmos.runlog import RunFolder, open_run


def command(
    run: Annotated[Path, typer.Argument(help="A run folder, e.g. reports/latest")],
    thresholds: Annotated[
        Path | None, typer.Option(help="Hold against this file instead of the one the run used")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Compare with this run instead of those it was compared with; or none")
    ] = None,
    root: Annotated[Path, typer.Option(help="The project, where thresholds file and baselines lie")] = Path(),
) -> None:
    """Measure the run's outcomes again, hold them against the thresholds, and exit as pytest would have."""
    folder = open_run(run)
    bars = thresholds_named(thresholds, folder) if thresholds else thresholds_of(folder.read_run(), root)
    if baseline is not None:
        compared_anew(folder, baseline, root)
    told = looser_since(folder, bars)
    conclusion = conclude(folder, bars, baselines_of(folder, folder.read_run(), root), root=root)
    page = run / "index.html"
    print_lines([*concluding_lines(conclusion, page), *(Line(f"WARNING: {line}", "warn") for line in told)])
    raise typer.Exit(conclusion.decision.exit_code)


def thresholds_named(file: Path, folder: RunFolder) -> Thresholds:
    """Read the file to hold a run against; RunFolderError where the run is one that is held against none."""
    run = folder.read_run()
    if why := run.ungated or (f"--shard {run.shard}" if run.shard else ""):
        advice = "Merge the shards first: pytest-cosmos merge RUN…" if run.shard else f"Run it without {why}."
        raise RunFolderError(
            f"--thresholds {file}: {folder.path} ran with {why}, so nothing of it is held against a bar. {advice}"
        )
    return read_thresholds(file)
