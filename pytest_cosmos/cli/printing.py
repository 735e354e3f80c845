"""Coloured lines on a terminal, plain ones elsewhere; model text is never read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pytest_cosmos.pipeline import Conclusion
from pytest_cosmos.report import Line, summary_lines
from pytest_cosmos.report.text import visible

STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "strong": "bold",
    "dim": "dim",
    "head": "bold",
}

_PLAIN_WIDTH = 160
"""Columns where there is no terminal: nobody is there to resize it, and a log can be scrolled."""


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines of the report's terminal text."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line.text, style=STYLES.get(line.style, "")))


def concluding_lines(conclusion: Conclusion, page: Path) -> Iterator[Line]:
    """Yield what a run came to, as the plugin prints it."""
    return summary_lines(
        conclusion.run,
        conclusion.summary,
        conclusion.checks,
        conclusion.outcomes,
        changes=conclusion.changes,
        report_path=str(page),
    )


def make_console() -> Console:
    """Return a console for tables: as wide as the terminal, and wide where there is none."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_PLAIN_WIDTH)


def harmless(text: str) -> Text:
    """Return foreign text for a table: control characters spelled out, markup taken as it is."""
    return Text(visible(text, keep="\n"))


def without_home(text: str) -> str:
    """Write the home folder, and so the user's name, as `~`."""
    home = str(Path.home())
    return text if home in ("/", "") else text.replace(home, "~")
