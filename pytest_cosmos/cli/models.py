"""`pytest-cosmos models`: the names that --model takes, what each needs, and what of it is on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from pytest_cosmos.cli.printing import harmless, make_console, without_home
from pytest_cosmos.engines.hub_cache import CachedRepository, scan_cache
from pytest_cosmos.engines.known_models import FILE_NAME, TINY, KnownModel, known_models
from pytest_cosmos.engines.models import holds_weights, weights_size
from pytest_cosmos.report import text
from pytest_cosmos.tiny import CHECKPOINT

_SHORT = 8
"""Characters of a commit that a person reads."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model: what its name stands for, and what of it is here."""

    name: str
    known: KnownModel
    cached: CachedRepository | None = None
    """Of a model of the hub."""
    size: int | None = None
    """Bytes of the weights in a folder; None: not there, or not whole."""


def command(
    root: Annotated[Path, typer.Option(help="The project, where its models.yaml lies")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON")] = False,
) -> None:
    """List the names of models: what each stands for, what it needs, what of it is on this machine."""
    file = root / FILE_NAME
    rows = tuple(model_rows(known_models(file if file.is_file() else None), scan_cache()))
    if as_json:
        typer.echo(json.dumps([described(row) for row in rows], indent=2))
        return
    console = make_console()
    console.print(model_table(rows, console.width))
    console.print(
        "\nGPU: the memory its publisher asks for. --model takes these names, any Hugging Face id org/name of an "
        "image-text-to-text model, and folders; what is on the hub also with @revision."
        + ("" if file.is_file() else f"\nFor names of your own write a {FILE_NAME} (see the README)."),
        style="dim",
        markup=False,
        highlight=False,
    )


def model_rows(models: Mapping[str, KnownModel], cache: Mapping[str, CachedRepository]) -> Iterator[Row]:
    """Yield a row for every name, and for every other model in the cache that has weights."""
    yield Row(TINY, KnownModel(folder=CHECKPOINT), size=weights_size(CHECKPOINT))
    for name, known in models.items():
        if known.folder is None:
            yield Row(name, known, cached=cache.get(known.repository))
        else:
            here = known.folder.is_dir() and holds_weights(known.folder)
            yield Row(name, known, size=weights_size(known.folder) if here else None)
    named = {known.repository for known in models.values()}
    for repository, cached in cache.items():
        if repository not in named and any(revision.complete for revision in cached.revisions):
            yield Row(repository, KnownModel(repository), cached=cached)


def model_table(rows: tuple[Row, ...], width: int) -> Table:
    """Lay the rows out; names come from files and folders, so they are made harmless."""
    room = max(30, width - 76)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    table.add_column("download", no_wrap=True, justify="right")
    table.add_column("GPU", no_wrap=True, justify="right")
    table.add_column("gated", no_wrap=True)
    table.add_column("on disk", overflow="fold")
    for row in rows:
        known = row.known
        cells = (
            _folded(row.name, room),
            _folded(_weights(row), room),
            f"{known.download_gb:g} GB" if known.download_gb else "",
            f"{known.memory_gb:g} GB" if known.memory_gb else "",
            "yes" if known.gated else "",
            _here(row),
        )
        table.add_row(*map(harmless, cells))
    return table


def _weights(row: Row) -> str:
    if row.name == TINY:
        return "embedded"
    if row.known.folder is not None:
        return without_home(str(row.known.folder))
    pinned = f"@{row.known.revision[:_SHORT]}" if row.known.revision else ""
    return f"{row.known.repository}{pinned}"


def _folded(word: str, width: int) -> str:
    """Break a text that has no spaces into lines, so that no column takes all the room."""
    return "\n".join(word[start : start + width] for start in range(0, len(word), width))


def _here(row: Row) -> str:
    if row.known.folder is not None:
        return "not there" if row.size is None else text.size(row.size)
    if row.cached is None:
        return "no"
    lines = []
    for revision in row.cached.revisions:
        state = text.size(revision.size) if revision.complete else "incomplete"
        names = f" ({', '.join(revision.names)})" if revision.names else ""
        lines.append(f"{state} @{revision.commit[:_SHORT]}{names}")
    return "\n".join(lines) or "no"


def described(row: Row) -> dict[str, Any]:
    """Describe a row as JSON has it: the same facts, nothing shortened."""
    known = row.known
    revisions = row.cached.revisions if row.cached else ()
    return {
        "name": row.name,
        "repository": known.repository or None,
        "folder": without_home(str(known.folder)) if known.folder and row.name != TINY else None,
        "revision": known.revision,
        "family": known.family,
        "gated": known.gated,
        "download_gb": known.download_gb,
        "memory_gb": known.memory_gb,
        "bytes": row.cached.size if row.cached else row.size,
        "revisions": [
            {"commit": r.commit, "names": list(r.names), "bytes": r.size, "complete": r.complete} for r in revisions
        ],
    }
