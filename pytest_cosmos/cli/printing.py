"""Coloured lines on a terminal, plain ones elsewhere; model text is never read as markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from pytest_cosmos.report import Line

STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "strong": "bold",
    "dim": "dim",
    "head": "bold",
}


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines of the report's terminal text."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line.text, style=STYLES.get(line.style, "")))
