"""`pytest-cosmos import FILE… --out cases/NAME`: annotation files of others, or of `pack`, as a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from pytest_cosmos.cli.check_cases import suite_lines
from pytest_cosmos.cli.pack import one_of
from pytest_cosmos.finetune.import_cases import Importing, import_cases
from pytest_cosmos.finetune.import_records import FORMS, AnyFormat
from pytest_cosmos.finetune.new_folder import MediaMode
from pytest_cosmos.suites import SPLITS
from pytest_cosmos.userfiles import escape_controls

# A suite's media may not lie outside of it, so no symbolic links.
_MEDIA = ("copy", "hardlink")
_SHOWN = 5


def command(
    files: Annotated[list[Path], typer.Argument(help="Annotation files, data sets (hf), or a folder that `pack` made")],
    out: Annotated[Path, typer.Option(help="The new suite, e.g. cases/NAME; one that is there is refused")],
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMS)}; default: as the records show")] = "",
    media_path: Annotated[
        Path | None, typer.Option(help="The folder that the paths in the files are relative to; default: their own")
    ] = None,
    media: Annotated[str, typer.Option(help="copy or hardlink")] = "copy",
    split: Annotated[
        str, typer.Option(help="Of all samples: test, validation or train; default: as they say, or test")
    ] = "",
    skip: Annotated[bool, typer.Option("--skip", help="Leave out records that cannot be taken, and say which")] = False,
) -> None:
    """Make a suite of annotation files: jsonl, llava, hf, and the question files of Cosmos-Reason1-Benchmark."""
    how = Importing(
        form=cast(AnyFormat, one_of("--format", form, tuple(FORMS))) if form else None,
        media_path=media_path,
        media=cast(MediaMode, one_of("--media", media, _MEDIA)),
        split=one_of("--split", split, SPLITS) if split else "",
        skip=skip,
    )
    imported = import_cases(files, out, how)
    lines = [f"format: {', '.join(dict.fromkeys(imported.formats))}", *imported.remarks, *suite_lines(imported.suite)]
    for line in lines:
        typer.echo(escape_controls(line))
    for line in imported.skipped[:_SHOWN]:
        typer.echo(f"left out: {line}", err=True)
    if len(imported.skipped) > _SHOWN:
        typer.echo(
            f"left out: {len(imported.skipped) - _SHOWN:,} more records, {len(imported.skipped):,} in all", err=True
        )
    typer.echo(f"{out}: look through suite.yaml, then: pytest-cosmos check-cases {out}")
