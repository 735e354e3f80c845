"""What a sample may state: the standard columns, and the suite's own declared ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pytest_cosmos.errors import OptionError, suggest
from pytest_cosmos.records import Sample
from pytest_cosmos.userfiles import quoted

STANDARD = ("id", "file", "label", "category", "split", "source", "group", "must_pass", "reasoning")

SPLITS = ("test", "validation", "train")
DEFAULT_SPLIT = "test"

# What else the standard columns are called in tables that people already have.
_ALIASES = {"image/video": "file"}

# Metrics are sliced by columns, as in `recall[weather=wet]`, so their names hold nothing of that notation.
_OWN_NAME = re.compile(r"[^\W\d][\w -]*")

# Slices of every suite, which a column of its own would hide.
_TAKEN = (*STANDARD, "prompt", "model", "suite")


def own_name_problem(name: str) -> str | None:
    """Say why a suite cannot have a column of its own of this name; None: it can."""
    if _folded(name) in _TAKEN:
        return f"{quoted(name)} is a standard name and needs no declaration. Remove it, or choose another name"
    if not _OWN_NAME.fullmatch(name):
        return f"{quoted(name)} is no column name. Use letters, digits, _ and -, a letter first"
    return None


def column_for(name: str, declared: Sequence[str]) -> str | None:
    """Return the column that a header or key means, whatever its case and spacing; None: none."""
    folded = _folded(name)
    if folded in STANDARD:
        return folded
    return next((own for own in declared if own.casefold() == name.strip().casefold()), None)


def undeclared(name: str, declared: Sequence[str]) -> str:
    """Say that a column is unknown, and how to make it known."""
    hint = suggest(name, (*STANDARD, *declared))
    allowed = ", ".join((*STANDARD, *declared))
    return (
        f"the column {quoted(name)} is not declared. Known: {allowed}.{hint} "
        f"To slice by it, add it to 'columns:' in suite.yaml"
    )


def cells_by_column(cells: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    """Name cells by the columns they mean; those that mean none are left out."""
    return {columns[name]: text for name, text in cells.items() if name in columns}


def _folded(name: str) -> str:
    folded = re.sub(r"\s*/\s*", "/", name.strip().casefold())
    return _ALIASES.get(folded, re.sub(r"\s+", "_", folded))


def value_of(sample: Sample, column: str) -> str:
    """Return what a sample states in a column, its suite's own ones included; empty where it states nothing."""
    if column in sample.fields:
        return sample.fields[column]
    if column == "file":
        return ";".join(sample.media)
    value = getattr(sample, column) if column in STANDARD else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def known_columns(names: Sequence[str], declared: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the columns that names given with an option mean. Raise OptionError that lists all unknown ones."""
    found = {name: column_for(name, declared) for name in names}
    if unknown := [name for name, column in found.items() if column is None]:
        allowed = (*STANDARD, *declared)
        listing = ", ".join(allowed)
        lines = (
            f"{option} {quoted(name)}: there is no such column. Allowed: {listing}.{suggest(name, allowed)}"
            for name in unknown
        )
        raise OptionError("\n".join(lines))
    return tuple(dict.fromkeys(column for column in found.values() if column is not None))
