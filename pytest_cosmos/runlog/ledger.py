"""reports/comparisons.jsonl: which candidates have been compared on which test cases, so that nobody loses count.

Whoever chooses the best of many candidates by the same test cases fits them to it: its figure is too good by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import StrictStr, ValidationError

from pytest_cosmos.records import Record, Run
from pytest_cosmos.runlog.folder import append_whole

FILE = "comparisons.jsonl"


class Entry(Record):
    """A candidate compared on a suite: one line."""

    suite: StrictStr
    digest: StrictStr
    """Of the suite's label files: other labels are other test cases."""
    candidate: StrictStr
    """What tells it from others: fingerprints of weights and adapter, or its name."""
    model: StrictStr
    """As named."""
    baseline: StrictStr
    """The run's id."""
    time: StrictStr


def entries_of(run: Run, baseline: Run) -> tuple[Entry, ...]:
    """Return what a comparison adds: an entry per suite that both asked; only the test split counts."""
    if run.split != "test":
        return ()
    model = run.model
    told = ":".join((model.fingerprint or model.name, model.adapter_fingerprint or model.adapter)).rstrip(":")
    shared = {suite.name for suite in baseline.suites}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return tuple(
        Entry(suite=suite.name, digest=suite.digest, candidate=told, model=model.label, baseline=baseline.id, time=now)
        for suite in run.suites
        if suite.selected and suite.name in shared
    )


def record(reports: Path, entries: Iterable[Entry]) -> None:
    """Add entries that are new."""
    known = {_told(entry) for entry in read(reports)}
    text = "".join(entry.model_dump_json() + "\n" for entry in entries if _told(entry) not in known)
    if text and reports.is_dir():
        append_whole(reports / FILE, text.encode())


def _told(entry: Entry) -> tuple[str, ...]:
    return entry.suite, entry.digest, entry.candidate, entry.baseline


def read(reports: Path) -> tuple[Entry, ...]:
    """Read all entries; a line that is none, such as a torn last one, is left out."""
    path = reports / FILE
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            found.append(Entry.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def candidates_so_far(entries: Iterable[Entry], suite: str, digest: str) -> int:
    """Count the different candidates that have been compared on these test cases."""
    return len({entry.candidate for entry in entries if (entry.suite, entry.digest) == (suite, digest)})
