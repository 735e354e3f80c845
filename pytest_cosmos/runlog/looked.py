"""reports/leaks.jsonl: what the leak guard has found of tested media, so that it looks at none twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import StrictStr, ValidationError

from pytest_cosmos.records import Record
from pytest_cosmos.runlog.folder import append_whole

FILE = "leaks.jsonl"


class Looked(Record):
    """Tested media that were compared with all that an adapter was trained on: one line."""

    trained: StrictStr
    """`Trained.digest`."""
    leaks: dict[StrictStr, tuple[StrictStr, ...]]
    """By the hash of the tested medium, what it shares with training; empty: nothing."""


def record(reports: Path | None, trained: str, leaks: Mapping[str, tuple[str, ...]]) -> None:
    """Keep what was found; where there are no reports, it is not kept."""
    if leaks and reports is not None and reports.is_dir():
        append_whole(reports / FILE, f"{Looked(trained=trained, leaks=dict(leaks)).model_dump_json()}\n".encode())


def read(reports: Path | None, trained: str) -> dict[str, tuple[str, ...]]:
    """Return what is known of tested media; a line that is none, such as a torn last one, is left out."""
    found: dict[str, tuple[str, ...]] = {}
    if reports is None or not (reports / FILE).is_file():
        return found
    for line in (reports / FILE).read_bytes().splitlines():
        try:
            entry = Looked.model_validate_json(line)
        except ValidationError:
            continue
        found |= entry.leaks if entry.trained == trained else {}
    return found
