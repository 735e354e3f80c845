"""`pytest-cosmos workflow SUITE`: test, fine-tune if needed, test again, decide; given again, it goes on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos.cli.decide import short_form
from pytest_cosmos.cli.pack import models_file, suite_folder
from pytest_cosmos.cli.printing import print_lines
from pytest_cosmos.errors import OptionError
from pytest_cosmos.report import Line
from pytest_cosmos.settings import Settings
from pytest_cosmos.suites import MANIFEST
from pytest_cosmos.workflow import Finished, Workflow, run_workflow
from pytest_cosmos.workflow.running import finished_lines


def command(
    suite: Annotated[str, typer.Argument(help="A suite of cases/, or the folder of one")],
    pytest_arguments: Annotated[
        list[str] | None, typer.Argument(help="After --: more arguments for pytest, e.g. -- -n 4")
    ] = None,
    model: Annotated[str, typer.Option(help="The base model, as --model of pytest")] = "tiny",
    config: Annotated[Path | None, typer.Option(help="Of the fine-tuning: a finetune.yaml")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where its state and the adapter lie [reports/workflow/SUITE-MODEL]")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option(help="Run these tests; default: one of its own that asks every case of the suite")
    ] = None,
    thresholds: Annotated[Path | None, typer.Option(help="Default: thresholds.yaml of the project")] = None,
    root: Annotated[Path, typer.Option(help="The project, where cases/ and thresholds.yaml lie")] = Path(),
    reports: Annotated[Path | None, typer.Option(help="Where runs lie [reports]")] = None,
) -> None:
    """Fine-tune only if the base model misses its release targets, and prove that it helped.

    Stopped at any moment, the same command goes on. Exit 0 if the base is sufficient or the adapter helped.
    """
    root = root.resolve()
    folder = suite_folder(suite, root).resolve()
    if not (folder / MANIFEST).is_file():
        raise OptionError(f"{suite}: is no suite, it has no {MANIFEST}. Check it: pytest-cosmos check-cases {suite}")
    settings = _settings(root, folder.parent, model, thresholds, (reports or root / "reports").resolve())
    asked = Workflow(
        settings=settings,
        suite=folder.name,
        out=(out or settings.reports / "workflow" / f"{folder.name}-{_safe(model)}").resolve(),
        config=_existing(config, "--config") if config else None,
        tests=_existing(tests, "--tests") if tests else None,
        arguments=tuple(pytest_arguments or ()),
        say=typer.echo,
    )
    found = _finished(asked)
    print_lines([*short_form(found.decision), *(Line(line, "strong") for line in finished_lines(found))])
    raise typer.Exit(found.decision.exit_code)


def _finished(asked: Workflow) -> Finished:
    try:
        return run_workflow(asked)
    except KeyboardInterrupt:
        typer.echo("\nstopped: the same command goes on from here.", err=True)
        raise typer.Exit(130) from None


def _settings(root: Path, cases: Path, model: str, thresholds: Path | None, reports: Path) -> Settings:
    return Settings(
        root=root,
        cases=cases,
        thresholds=_existing(thresholds or root / "thresholds.yaml", "--thresholds"),
        reports=reports,
        store=reports / "store" / "replies.sqlite",
        model=model,
        models_file=models_file(root),
        threads=max(1, (os.cpu_count() or 2) - 1),
    )


def _existing(path: Path, option: str) -> Path:
    if not path.exists():
        raise OptionError(f"{option} {path}: not there.")
    return path.resolve()


def _safe(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", Path(model).name).strip("-.") or "model"
