"""`pytest-cosmos decide [RUN]`: what is to be done with a model, in words with the evidence; no model is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos import pipeline
from pytest_cosmos.cli.printing import print_lines
from pytest_cosmos.finetune import complete_card
from pytest_cosmos.records import Recommendation
from pytest_cosmos.report import Line
from pytest_cosmos.report.recommendation import recommendation_lines
from pytest_cosmos.runlog import RunFolder, find_run, is_saved


def command(
    run: Annotated[str, typer.Argument(help="A run folder, a run's id or a saved baseline; default: the latest")] = "",
    baseline: Annotated[
        str | None,
        typer.Option(
            help="What it is to be better than: likewise; `none`: judge it alone. Default: what the run "
            "was compared with, its own base first"
        ),
    ] = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="Hold against this file instead of the one the run used")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 0 only if the model may be released")] = False,
    root: Annotated[Path, typer.Option(help="The project, where baselines, thresholds and pictures lie")] = Path(),
    reports: Annotated[Path, typer.Option(help="Where runs lie")] = Path("reports"),
) -> None:
    """Decide: is the model good enough, or is it better than its baseline? Exit 0 if so, 1 if not or not shown.

    Written into the run's folder as decision.md and decision.json. The run's own verdict stays as it is.
    """
    folder = find_run(run, root, reports)
    found = pipeline.decide_about(folder, root, reports, baseline=baseline, thresholds=thresholds)
    adapter = folder.read_run().model.adapter
    card = complete_card(root / adapter, found) if adapter else None
    lines = (*written(folder, found, root), *((f"card: {card}",) if card else ()))
    print_lines([*short_form(found), *(Line(line, "strong") for line in lines)])
    raise typer.Exit(int(not found.may_release) if strict else found.exit_code)


def written(folder: RunFolder, found: Recommendation, root: Path) -> tuple[str, ...]:
    """Write the decision into the run's folder and say where; a saved baseline stays as it was saved."""
    if is_saved(folder, root):
        return (f"{folder.path} is a saved baseline: nothing was written into it.",)
    return (f"decision: {pipeline.write_decision(folder, found)}",)


def short_form(found: Recommendation) -> Iterator[Line]:
    """Yield what the terminal says."""
    yield from (Line(line, style) for line, style in recommendation_lines(found))
