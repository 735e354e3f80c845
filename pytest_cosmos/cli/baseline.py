"""`pytest-cosmos baseline save RUN NAME`, `list` and `remove NAME`: runs kept to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pytest_cosmos.cli.printing import harmless, make_console
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import mistrust, tallies
from pytest_cosmos.records import Run, Verdict
from pytest_cosmos.report import text
from pytest_cosmos.runlog import RunFolder, open_run, remove_baseline, save_baseline, saved_baselines

app = typer.Typer(help="Runs kept to be compared with: baselines/NAME of the project.", no_args_is_help=True)

RootOption = Annotated[Path, typer.Option(help="The project, where baselines/ lies")]


@app.command("save")
def save(
    run: Annotated[Path, typer.Argument(help="A run folder, e.g. reports/latest")],
    name: Annotated[str, typer.Argument(help="What --baseline is to call it")],
    root: RootOption = Path(),
    replace: Annotated[bool, typer.Option("--replace", help="In the place of one of the same name")] = False,
    incomplete: Annotated[
        bool, typer.Option("--even-if-incomplete", help="Save a run that lacks cases or has errors, too")
    ] = False,
) -> None:
    """Keep a run as a baseline: all that a comparison needs, without pictures, small enough to be committed."""
    folder = open_run(run)
    found = folder.read_run()
    problems = list(problems_of(found, folder))
    if problems and not incomplete:
        raise RunFolderError(
            f"{run} is no good baseline: {' '.join(problems)} Every such case would be missing from each comparison. "
            "Run it again, or save it all the same: --even-if-incomplete."
        )
    saved = save_baseline(folder, root, name, replace=replace)
    typer.echo(f"{saved}: {found.model.label}, {text.plural(len(folder.read_outcomes()), 'case')}.")
    typer.echo(f"Compare with it: pytest benchmarks/ --baseline {name}")


def problems_of(run: Run, folder: RunFolder) -> Iterator[str]:
    """Say why a run is not whole."""
    if run.shard:
        yield f"it is shard {run.shard}: merge the shards first."
    if run.decision is None or not run.finished:
        yield "it did not finish."
    elif run.decision.answered < run.decision.planned:
        yield f"{run.decision.answered} of {run.decision.planned} cases were answered."
    outcomes = tuple(folder.read_outcomes())
    yield from mistrust(run, outcomes, tallies(run, outcomes))
    if not outcomes and run.latency is None:
        yield "it has no case."


@app.command("list")
def list_command(root: RootOption = Path()) -> None:
    """List the baselines of the project."""
    names = saved_baselines(root)
    if not names:
        typer.echo(f"{root / 'baselines'}: none. Save one: pytest-cosmos baseline save reports/latest NAME")
        return
    table = Table("name", "model", "date", "cases", "right")
    for name in names:
        folder = open_run(root / "baselines" / name)
        run, outcomes = folder.read_run(), folder.read_outcomes()
        right = sum(outcome.judgement.verdict is Verdict.CORRECT for outcome in outcomes)
        share = f"{text.percent(right / len(outcomes))} %" if outcomes else text.NO_DATA
        table.add_row(name, harmless(run.model.label), run.started[:10], f"{len(outcomes):,}", share)
    make_console().print(table)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="As `list` shows it")],
    root: RootOption = Path(),
) -> None:
    """Delete a baseline."""
    remove_baseline(root, name)
    typer.echo(f"{root / 'baselines' / name}: removed.")
