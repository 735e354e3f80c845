"""How far training is: a live line with the time left, and a line for every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pytest_cosmos.finetune.record import Epoch

HEAD = "Epoch | Train loss | Val loss | Val accuracy"


class Progress(Protocol):
    """What is told while training runs."""

    def begin(self, steps: int, done: int) -> None:
        """Training starts, or goes on after `done` of its steps."""

    def step(self, done: int) -> None:
        """So many steps are done."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch was validated."""

    def end(self) -> None:
        """Training is over, for whatever reason."""


class Shown:
    """On a terminal with a bar, elsewhere the epochs alone."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: list[int] = []
        self._bar = Bar(
            TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("steps, left"), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=None)

    def begin(self, steps: int, done: int) -> None:
        """Show the bar."""
        self._bar.update(self._task, total=steps, completed=done)
        self._bar.start()

    def step(self, done: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done)

    def epoch(self, epoch: Epoch) -> None:
        """Print a line of the table, once."""
        if epoch.epoch in self._told:
            return
        if not self._told:
            self._console.print(HEAD, soft_wrap=True)
        self._told.append(epoch.epoch)
        self._console.print(epoch_line(epoch), soft_wrap=True)  # a line of a table, however narrow the screen

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class Silent:
    """Says nothing: all processes of several but the first."""

    def begin(self, steps: int, done: int) -> None:
        """Say nothing."""

    def step(self, done: int) -> None:
        """Say nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


def epoch_line(epoch: Epoch) -> str:
    """Write one line of the table; of epoch 0, the base, there is no training loss."""
    loss = "         –" if epoch.train_loss is None else f"{epoch.train_loss:10.4f}"
    shares = ", ".join(f"{name} {value:.1%}" for name, value in epoch.watched.items())
    aside = f"  ({shares})" if shares else ""
    return f"{epoch.epoch:5} | {loss} | {epoch.val_loss:8.4f} | {epoch.val_accuracy:12.1%}{aside}"


def table_lines(epochs: Sequence[Epoch]) -> tuple[str, ...]:
    """Write the whole table."""
    return (HEAD, *map(epoch_line, epochs))
