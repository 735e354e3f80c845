"""`pytest-cosmos doctor`: what on this machine keeps a model from running, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_cosmos.cli.printing import STYLES, harmless, make_console, without_home
from pytest_cosmos.doctor import Finding, Status, examine, examine_endpoint
from pytest_cosmos.engines.endpoint_address import read_address
from pytest_cosmos.engines.known_models import FILE_NAME, TINY, known_models
from pytest_cosmos.engines.models import locate
from pytest_cosmos.report import text

_COLOURS = {Status.PASS: "good", Status.WARN: "warn", Status.FAIL: "bad"}
_WIDEST = 100
"""Longer lines are hard to read."""


def command(
    model: Annotated[str, typer.Option(metavar="NAME", help="As pytest's --model; default: tiny")] = "",
    endpoint: Annotated[str, typer.Option(metavar="URL", help="Check this server instead of this machine")] = "",
    root: Annotated[Path, typer.Option(help="The project, where its models.yaml lies")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, e.g. for a support request")] = False,
) -> None:
    """Check whether this machine can run a model, or reach a server; exit 1 if something is in the way."""
    file = root / FILE_NAME
    models_file = file if file.is_file() else None
    if endpoint:
        known = known_models(models_file).get(model)
        wanted = tuple(filter(None, (model, known.repository if known else "")))
        address = read_address(endpoint)
        title = f"Can {address.url} be asked from here?"
        findings = examine_endpoint(address, wanted)
    else:
        title = f"Can this machine run --model {model or TINY}?"
        findings = examine(locate(model or TINY, models_file))
    findings = tuple(map(presentable, findings))
    if as_json:
        typer.echo(json.dumps(as_data(model or (TINY if not endpoint else ""), findings), indent=2))
    else:
        print_findings(title, findings, make_console())
    raise typer.Exit(exit_code(findings))


def presentable(finding: Finding) -> Finding:
    """Take the home folder out of the texts: what a user pastes into a support request should not name him."""
    return finding.model_copy(
        update={"found": without_home(finding.found), "advice": without_home(finding.advice)},
    )


def exit_code(findings: tuple[Finding, ...]) -> int:
    """Return 1 where any check failed."""
    return int(any(finding.status is Status.FAIL for finding in findings))


def as_data(model: str, findings: tuple[Finding, ...]) -> dict[str, object]:
    """Describe the findings as JSON has them."""
    return {
        "model": model,
        "ok": exit_code(findings) == 0,
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def print_findings(title: str, findings: tuple[Finding, ...], console: Console) -> None:
    """Print what each check found, below it what to do, and last what it comes to."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        style = STYLES[_COLOURS[finding.status]]
        table.add_row(Text(finding.status.value, style=style), finding.name, harmless(finding.found))
        if finding.advice:
            table.add_row("", "", _advice(finding.advice, style))
    console.print(Text(text.visible(title), style="bold"))
    console.print(Padding(table, (1, 0, 1, 2)), width=min(console.width, _WIDEST))
    word, style = conclusion(findings)
    console.print(Text(word, style=STYLES[style]))


def _advice(advice: str, style: str) -> Table:
    """Set what to do off by an arrow; commands stand on lines of their own, to be copied."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("->", style=style), Text(harmless(advice).plain, style=style, overflow="fold"))
    return table


def conclusion(findings: tuple[Finding, ...]) -> tuple[str, str]:
    """Say what the findings come to, and in which style."""
    count = {status: sum(finding.status is status for finding in findings) for status in Status}
    warnings = text.plural(count[Status.WARN], "warning")
    if count[Status.FAIL]:
        return f"No: {text.plural(count[Status.FAIL], 'check')} failed, {warnings}.", "bad"
    return (f"Yes, with {warnings}.", "warn") if count[Status.WARN] else ("Yes.", "good")
