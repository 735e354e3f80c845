"""`pytest-cosmos calibrate RUN`: fit a temperature for each prompt on a run of the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pytest_cosmos.cli.printing import harmless, make_console
from pytest_cosmos.measure import fit
from pytest_cosmos.records import TemperatureFile
from pytest_cosmos.runlog import open_run, write_temperatures


def command(
    run: Annotated[Path, typer.Argument(help="A run folder of the validation split")],
    out: Annotated[Path, typer.Option(help="The file to write")] = Path("calibration.json"),
) -> None:
    """Fit what the model's confidences are worth, for later runs: pytest … --cosmos-calibration FILE."""
    folder = open_run(run)
    record, outcomes = folder.read_run(), folder.read_outcomes()
    model = record.model
    file = TemperatureFile(
        model=model.name,
        engine=model.engine,
        fingerprint=model.fingerprint,
        adapter=model.adapter,
        adapter_fingerprint=model.adapter_fingerprint,
        run=record.id,
        temperatures=fit(record, outcomes),
    )
    write_temperatures(out, file)
    make_console().print(_table(file))
    typer.echo(f"Temperature over 1: the model was surer than it was right. Written: {out} (for {file.label})")
    typer.echo(f"Use it on the test split: pytest benchmarks/ --model {model.name} --cosmos-calibration {out}")


def _table(file: TemperatureFile) -> Table:
    table = Table(
        "prompt", "answers", "temperature", "calibration error", "scaled", title="confidences, validation split"
    )
    for one in file.temperatures:
        before, after = (f"{error:.4f}" if error is not None else "–" for error in (one.error_before, one.error_after))
        name = harmless(f"{one.suite}/{one.prompt}")
        table.add_row(name, str(one.cases), f"{one.temperature:.3f}", before, after)
    return table
