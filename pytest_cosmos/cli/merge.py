"""`pytest-cosmos merge RUN…`: join the shards of a run, and gate the whole as if one machine had run it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos import pipeline
from pytest_cosmos.cli.printing import concluding_lines, print_lines
from pytest_cosmos.comparing import baselines_of
from pytest_cosmos.errors import CosmosError, Problems
from pytest_cosmos.gate import Thresholds
from pytest_cosmos.records import Run
from pytest_cosmos.runlog import Part, RunFolder, merge, open_run


def command(
    runs: Annotated[list[Path], typer.Argument(help="The run folders of all shards, in any order")],
    reports: Annotated[Path, typer.Option(help="Where the merged run is written")] = Path("reports"),
    root: Annotated[Path, typer.Option(help="The project, where thresholds and pictures lie")] = Path(),
) -> None:
    """Join shards into one run, hold it against the thresholds, and exit as the undivided run would have."""
    told = shlex.join(["pytest-cosmos", "merge", *map(str, runs)])
    parts = read_parts(runs)
    run, outcomes = merge(parts, id="", command=told)
    bars = same_thresholds(run, root)
    folder = RunFolder.create(reports, run.model.name, datetime.now(UTC))
    folder.append(outcomes)
    folder.append_repeats([repeat for part in parts for repeat in part.repeats])
    folder.close()
    folder.write_run(run.model_copy(update={"id": folder.path.name}))
    for source in runs:
        for media_hash, jpeg in open_run(source).thumbnails(outcomes).items():
            folder.write_thumbnail(media_hash, jpeg)
    del parts, outcomes  # read again from the folder: of a large run they are not to be held twice
    conclusion = pipeline.conclude(folder, bars, baselines_of(folder, folder.read_run(), root), root=root)
    page = pipeline.report(folder, conclusion, root)
    print_lines(concluding_lines(conclusion, page))
    raise typer.Exit(conclusion.decision.exit_code)


def read_parts(paths: Sequence[Path]) -> list[Part]:
    """Read the shards; Problems lists all that cannot be read."""
    parts, problems = [], []
    for path in paths:
        try:
            folder = open_run(path)
            parts.append(
                Part(str(path), folder.read_run(), tuple(folder.read_outcomes()), tuple(folder.read_repeats()))
            )
        except CosmosError as error:
            problems.append(f"{error} If this shard did not finish, run it again.")
    if problems:
        raise Problems(problems)
    return parts


def same_thresholds(run: Run, root: Path) -> Thresholds | None:
    """Read the thresholds that the shards were run with; Problems where the file has changed since."""
    bars = pipeline.thresholds_of(run, root)
    if bars is not None and bars.digest != run.thresholds_digest:
        raise Problems(
            [
                f"{run.thresholds}: has changed since the shards ran. Merge with the file as it was (--root: where it "
                "lies); to hold the merged run against another: pytest-cosmos gate RUN --thresholds FILE."
            ]
        )
    return bars
