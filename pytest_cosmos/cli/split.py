"""`pytest-cosmos split SUITE`: assign the samples of a suite to train, validation and test, whole groups at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pytest_cosmos.cli.printing import harmless, make_console
from pytest_cosmos.errors import OptionError, suggest
from pytest_cosmos.records import Sample
from pytest_cosmos.report import text
from pytest_cosmos.runlog import write_whole
from pytest_cosmos.suites import SPLITS, Suite, read_suite
from pytest_cosmos.suites.columns import known_columns
from pytest_cosmos.suites.rewriting import with_splits
from pytest_cosmos.suites.splits import assign_splits, bundles_of, largest_bundles, stratum_of

SHARES = "train=0.6,validation=0.15,test=0.25"


def command(
    suite: Annotated[Path, typer.Argument(help="A suite's folder, e.g. cases/floor_cracks")],
    by: Annotated[str, typer.Option(help="Samples of one value in this column stay together")] = "group",
    stratify: Annotated[str, typer.Option(help="Each mix of these columns gets its share")] = "label,source",
    seed: Annotated[int, typer.Option(help="Another seed, another draw")] = 0,
    shares: Annotated[str, typer.Option(help="How much each split is to get; together 1")] = SHARES,
    out: Annotated[Path | None, typer.Option(help="Write the table with its splits into a new file")] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the splits into the suite's table, a copy kept")] = False,
) -> None:
    """Show how a suite would be split, so that no group is in two splits; nothing is written unless asked for."""
    found = read_suite(suite, split=None, decode=())
    columns = known_columns(_names(stratify), found.columns, "--stratify")
    (column,) = known_columns([by], found.columns, "--by")
    wanted = read_shares(shares)
    splits = assign_splits(found.samples, by=column, stratify=columns, shares=wanted, seed=seed)
    console = make_console()
    console.print(_table(found.samples, splits, columns, column))
    for line in _remarks(found, splits, columns, column, wanted):
        typer.echo(line)
    if out is None and not write:
        typer.echo("Nothing was written. --write puts the splits into the suite's table, --out FILE into another.")
    if out is not None:
        _write_new(out, _rewritten(found, splits))
    if write:
        _replace(found, _rewritten(found, splits))


def read_shares(option: str) -> dict[str, float]:
    """Read `train=0.6,test=0.4`. Raise OptionError where it is no such list, or the shares do not add up to 1."""
    shares: dict[str, float] = {}
    for part in _names(option):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in SPLITS or name in shares:
            raise OptionError(f"--shares {part!r}: name each of {', '.join(SPLITS)} once.{suggest(name, SPLITS)}")
        try:
            shares[name] = float(number)
        except ValueError:
            raise OptionError(f"--shares {part!r}: {number!r} is no number. Write e.g. {SHARES}") from None
        if not 0 <= shares[name] <= 1:
            raise OptionError(f"--shares {part!r}: a share lies between 0 and 1. Write e.g. {SHARES}")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise OptionError(f"--shares {option!r} add up to {sum(shares.values()):g}, not to 1. Write e.g. {SHARES}")
    return shares


def _names(option: str) -> list[str]:
    return [name.strip() for name in option.split(",") if name.strip()]


def _table(samples: Sequence[Sample], splits: Mapping[str, str], columns: Sequence[str], by: str) -> Table:
    """Tabulate samples and groups of each stratum in each split."""
    names = [name for name in reversed(SPLITS) if name in splits.values()]
    table = Table(*columns, *names)
    strata = sorted({stratum_of(sample, columns) for sample in samples}) if columns else []
    for stratum in strata:
        members = [sample for sample in samples if stratum_of(sample, columns) == stratum]
        table.add_row(*(harmless(value or "(none)") for value in stratum), *_cells(members, splits, names, by))
    if len(strata) != 1:
        table.add_row(*("all", *[""] * (len(columns) - 1))[: len(columns)], *_cells(samples, splits, names, by))
    return table


def _cells(samples: Sequence[Sample], splits: Mapping[str, str], names: Sequence[str], by: str) -> Iterator[str]:
    for name in names:
        members = [sample for sample in samples if splits[sample.id] == name]
        groups = len(bundles_of(members, by))
        yield f"{len(members):,} ({len(members) / len(samples):.1%}) in {text.plural(groups, 'group')}"


def _remarks(
    suite: Suite, splits: Mapping[str, str], columns: Sequence[str], by: str, shares: Mapping[str, float]
) -> Iterator[str]:
    """Say what a person should know before the splits are used."""
    bundles = bundles_of(suite.samples, by)
    if len(bundles) == len(suite.samples):
        yield f"No two samples share their {by}: each is split by itself. Name what belongs together: --by COLUMN."
    names = [name for name, share in shares.items() if share]
    for stratum, largest in sorted(largest_bundles(bundles, columns).items()):
        have = Counter(splits[sample.id] for sample in suite.samples if stratum_of(sample, columns) == stratum)
        if missing := [name for name in names if not have[name]]:
            what = " ".join(value or "(none)" for value in stratum) or "the suite"
            yield (
                f"{what}: none in {' and '.join(missing)}. It has {text.plural(have.total(), 'sample')}, "
                f"{largest} of them in one group."
            )
    before = {sample.id: sample.split for sample in suite.samples}
    moved = sum(splits[name] != before[name] for name in before)
    if len(set(before.values())) > 1:
        tally = ", ".join(f"{name} {count:,}" for name, count in Counter(before.values()).most_common())
        yield f"The suite is split already ({tally}): {moved:,} samples would change theirs."


def _rewritten(suite: Suite, splits: Mapping[str, str]) -> bytes:
    if suite.table is None:
        raise OptionError(
            f"{suite.folder / 'suite.yaml'} lists the samples itself, and such a list is not rewritten. "
            "Move them into samples.csv, or write `split:` into each entry."
        )
    return with_splits(suite.table.read_bytes(), [splits[sample.id] for sample in suite.samples])


def _write_new(file: Path, content: bytes) -> None:
    if file.exists():
        raise OptionError(f"--out {file}: the file exists, and is not overwritten. Name another, or remove it.")
    try:
        write_whole(file, content)
    except OSError as error:
        raise OptionError(f"--out {file}: cannot be written ({error.strerror}). Name another file.") from None
    typer.echo(f"{file}: written.")


def _replace(suite: Suite, content: bytes) -> None:
    """Replace the table of a suite; what it was is kept beside it."""
    assert suite.table is not None, "without a table nothing is rewritten"
    before = suite.table.read_bytes()
    if content == before:
        typer.echo(f"{suite.table}: has these splits already.")
        return
    kept = next(
        path
        for number in range(1, 10_000)
        if not (path := suite.table.with_name(f"{suite.table.stem}.before-split-{number}{suite.table.suffix}")).exists()
    )
    try:
        write_whole(kept, before)
        write_whole(suite.table, content)
    except OSError as error:
        raise OptionError(f"--write: {suite.table} cannot be replaced ({error.strerror}).") from None
    typer.echo(f"{suite.table}: written. What it was is kept in {kept.name}.")
