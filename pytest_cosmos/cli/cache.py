"""`pytest-cosmos cache info|prune`: what the reply store holds, and making it smaller."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.engines.store_prune import Holding, holdings, prune
from pytest_cosmos.errors import OptionError, StoreError

app = typer.Typer(help="The reply store: what it holds, and making it smaller.", no_args_is_help=True)

DEFAULT = Path("reports") / "store" / "replies.sqlite"
_WIDTH = 120
"""Rows are as wide as they must be: a fingerprint folded in two cannot be copied."""
_SIZES = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_DAYS = {"d": 1, "w": 7}

StoreOption = Annotated[Path, typer.Option(help="The store's file")]


@app.command("info")
def info(store: StoreOption = DEFAULT) -> None:
    """List the models whose replies are stored, how many, how large, from when."""
    opened = open_store(store)
    if opened is None:
        return
    held = holdings(opened)
    finish(opened)
    replies = sum(one.replies for one in held)
    typer.echo(f"{store}: {replies:,} replies, {written_size(store.stat().st_size)}")
    if held:
        console = Console(highlight=False)
        console.width = max(console.width, _WIDTH)
        console.print(table(held))


@app.command("prune")
def prune_command(
    older_than: Annotated[str | None, typer.Option(help="Those stored longer ago than this: 30d, 2w")] = None,
    max_size: Annotated[
        str | None, typer.Option(help="The oldest, until the replies left take no more than this: 500MB, 2GB")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only those of this model: a name as `info` lists it, a glob, a fingerprint")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them")] = False,
    store: StoreOption = DEFAULT,
) -> None:
    """Delete stored replies; what is deleted is asked again by the next run that needs it."""
    before = None if older_than is None else time.time() - 86_400 * read_days(older_than)
    at_most = None if max_size is None else read_size(max_size)
    if everything == any(given is not None for given in (older_than, max_size, model)):
        raise OptionError("cache prune: say which replies: --older-than 30d, --max-size 500MB, --model NAME, or --all.")
    opened = open_store(store)
    if opened is None:
        return
    identities = None if model is None else named(model, holdings(opened))
    gone = prune(opened, before=before, at_most=at_most, identities=identities)
    left = sum(one.replies for one in holdings(opened))
    finish(opened)
    typer.echo(f"{store}: {gone:,} replies deleted, {left:,} left, {written_size(store.stat().st_size)}")


def open_store(path: Path) -> ReplyStore | None:
    """Open a store that exists; None, and a line that says so, where there is none."""
    if path.is_file():
        return ReplyStore(path)
    typer.echo(f"{path}: there is no reply store. A run that asks a model makes one.")
    return None


def finish(store: ReplyStore) -> None:
    """Close a store; StoreError where something went wrong with it."""
    remarks = tuple(store.remarks)
    store.close()
    if remarks:
        raise StoreError("\n".join(remarks))


def named(model: str, held: Sequence[Holding]) -> tuple[str, ...]:
    """Return the identities that a name means; OptionError where there is none."""
    chosen = tuple(one.identity for one in held if one.is_of(model))
    if not chosen:
        names = ", ".join(dict.fromkeys(one.model.name for one in held if one.model)) or "none"
        raise OptionError(f"cache prune --model {model}: no reply of that model is stored. Models: {names}.")
    return chosen


def table(held: Sequence[Holding]) -> Table:
    """Make one row a model and way of asking it."""
    rows = Table(box=None, pad_edge=False)
    for head in ("model", "fingerprint", "engine", "on", "replies", "size", "asked"):
        rows.add_column(head, justify="right" if head in ("replies", "size") else "left", overflow="fold")
    for one in held:
        record = one.model
        about = (
            (record.name, record.fingerprint[:12], record.engine, f"{record.device} {record.dtype}".strip())
            if record is not None
            else ("?", "", "", "")
        )
        days = dict.fromkeys(f"{datetime.fromtimestamp(at):%Y-%m-%d}" for at in (one.oldest, one.newest))
        cells = (*about, f"{one.replies:,}", written_size(one.bytes), " to ".join(days))
        rows.add_row(*map(Text, cells))
    return rows


def written_size(number: int) -> str:
    """Write bytes for people: `1.4 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"


def read_size(text: str) -> int:
    """Read `500MB`; OptionError where it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(kb|mb|gb|)", text.strip().lower())
    if match is None:
        raise OptionError(f"--max-size {text}: must be a size such as 500MB, 2GB or 0.")
    return int(float(match[1]) * _SIZES[match[2]])


def read_days(text: str) -> float:
    """Read `30d` or `2w`, in days; OptionError where it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dw])", text.strip().lower())
    if match is None:
        raise OptionError(f"--older-than {text}: must be days or weeks, such as 30d or 2w.")
    return float(match[1]) * _DAYS[match[2]]
