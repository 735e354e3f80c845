"""The run folder: run.json, outcomes.jsonl, metrics.json, thresholds.yaml, index.html, media/. All writing is here.

`outcomes.jsonl` is append-only and synced once per batch; the other files appear whole (temporary name, synced,
renamed). A crash costs at most the outcomes not yet synced, and a torn last line is left out when read.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.records import (
    SCHEMA_VERSION,
    Comparison,
    Latency,
    Outcome,
    Recommendation,
    Record,
    Repeat,
    Run,
    Summary,
)

_Line = TypeVar("_Line", bound=Record)

_README = """Runs written by pytest-cosmos: one folder a run, `latest` leads to the newest.

- `index.html`      the report; open it in a browser
- `run.json`        what was run, on what, and what it came to
- `outcomes.jsonl`  one line a case: what was asked, said, expected
- `repeats.jsonl`   one line a case and repeat, where cases were asked again
- `metrics.json`    every figure of the report
- `thresholds.yaml` a copy of the file that it was last held against
- `latency.json`    of a run asked for latency: how long single cases took, round by round
- `comparison.json` what changed from each baseline that it was compared with
- `decision.md`     what is to be done with the model, where `pytest-cosmos decide` was asked; `decision.json`, too
- `media/`          thumbnails for the report

`comparisons.jsonl` beside `runs/`: which candidates have been compared on which test cases; keep it.
`leaks.jsonl` beside it: which tested media were found to be copies of what an adapter was trained on, or none; looked
for again without it.
`pytest-cosmos gate RUN` and `pytest-cosmos report RUN` redo those steps without a model. Safe to delete.
"""

LATENCY = "latency.json"

_COMPARISONS = TypeAdapter(tuple[Comparison, ...])


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, io.TextIOWrapper] = {}

    @classmethod
    def create(cls, reports: Path, model: str, started: datetime) -> RunFolder:
        """Make a new folder `reports/runs/<time>-<model>` and let `reports/latest` lead to it."""
        runs = reports / "runs"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            _explain(reports)
        except OSError as error:
            raise RunFolderError(
                f"--cosmos-reports {reports}: runs cannot be written there ({error.strerror}). Name another folder."
            ) from None
        safe_model = re.sub(r"[^A-Za-z0-9.]+", "-", Path(model).name if "/" in model else model).strip("-.") or "model"
        stem = f"{started.astimezone(UTC):%Y-%m-%dT%H-%M-%S}-{safe_model}"
        for number in range(1, 1000):
            path = runs / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            point_latest(reports, path)
            return cls(path)
        raise RunFolderError(f"{runs / stem}: a thousand runs of this name exist already.")

    def append(self, outcomes: Iterable[Outcome]) -> None:
        """Add outcomes and sync them to the disk."""
        self._add_lines("outcomes.jsonl", outcomes)

    def append_repeats(self, repeats: Sequence[Repeat]) -> None:
        """Add what cases came to that were asked once more, and sync it to the disk; without any there is no file."""
        if repeats:
            self._add_lines("repeats.jsonl", repeats)

    def _add_lines(self, name: str, records: Iterable[Record]) -> None:
        if name not in self._open:
            self._open[name] = (self.path / name).open("a", encoding="utf-8")
        file = self._open[name]
        for record in records:
            file.write(record.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())

    def close(self) -> None:
        """Close the files that are appended to."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def write_run(self, run: Run) -> None:
        """Write run.json."""
        write_whole(self.path / "run.json", run.model_dump_json(indent=2).encode() + b"\n")

    def write_summary(self, summary: Summary) -> None:
        """Write metrics.json."""
        write_whole(self.path / "metrics.json", summary.model_dump_json(indent=1).encode() + b"\n")

    @property
    def thresholds(self) -> Path:
        """Where the copy of the thresholds file lies that the run was last held against, if it was."""
        return self.path / "thresholds.yaml"

    def write_thresholds(self, source: bytes) -> None:
        """Keep a copy of the thresholds file; of a run that is held against none, an earlier copy goes."""
        if source:
            write_whole(self.thresholds, source)
        else:
            self.thresholds.unlink(missing_ok=True)

    def write_latency(self, latency: Latency) -> None:
        """Write latency.json."""
        write_whole(self.path / LATENCY, latency.model_dump_json(indent=1).encode() + b"\n")

    def read_latency(self) -> Latency | None:
        """Read latency.json; None where nothing was timed. RunFolderError: it is no record of that."""
        path = self.path / LATENCY
        if not path.is_file():
            return None
        try:
            return Latency.model_validate(_read_json(path))
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise RunFolderError(f"{path}: no record of latency: {where}: {error.errors()[0]['msg']}") from None

    def write_comparisons(self, comparisons: Sequence[Comparison]) -> None:
        """Write comparison.json, one entry a baseline; without any there is no file."""
        path = self.path / "comparison.json"
        if comparisons:
            body = ",\n".join(one.model_dump_json(indent=1) for one in comparisons)
            write_whole(path, f"[{body}]\n".encode())
        else:
            path.unlink(missing_ok=True)

    def read_comparisons(self) -> tuple[Comparison, ...]:
        """Read comparison.json; none where the run was compared with nothing. RunFolderError: it is not one."""
        path = self.path / "comparison.json"
        if not path.is_file():
            return ()
        try:
            return _COMPARISONS.validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise RunFolderError(f"{path}: no comparison: {str(error).splitlines()[0]}") from None

    def write_recommendation(self, found: Recommendation, page: str) -> Path:
        """Write decision.json and decision.md; return the latter."""
        write_whole(self.path / "decision.json", found.model_dump_json(indent=1).encode() + b"\n")
        write_whole(self.path / "decision.md", page.encode())
        return self.path / "decision.md"

    def thumbnail_paths(self, media_hashes: Iterable[str]) -> dict[str, str]:
        """Name the pictures that are kept, relative to this folder: media hash -> path."""
        paths = {media_hash: f"media/{media_hash[:32]}.jpg" for media_hash in media_hashes if media_hash}
        return {media_hash: path for media_hash, path in paths.items() if (self.path / path).is_file()}

    def write_thumbnail(self, media_hash: str, jpeg: bytes) -> None:
        """Keep one picture for the report, so that it can be made again without the suite."""
        folder = self.path / "media"
        folder.mkdir(exist_ok=True)
        (folder / f"{media_hash[:32]}.jpg").write_bytes(jpeg)

    def thumbnails(self, outcomes: Sequence[Outcome]) -> dict[str, bytes]:
        """Read the pictures kept for these outcomes: media hash -> JPEG bytes."""
        paths = self.thumbnail_paths({outcome.case.sample.media_hash for outcome in outcomes})
        return {media_hash: (self.path / path).read_bytes() for media_hash, path in paths.items()}

    def read_run(self) -> Run:
        """Read run.json; RunFolderError where it is missing or not one."""
        path = self.path / "run.json"
        try:
            return Run.model_validate(_read_json(path))
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise RunFolderError(f"{path}: not a run: {where}: {error.errors()[0]['msg']}") from None

    def read_outcomes(self) -> list[Outcome]:
        """Read outcomes.jsonl, a torn last line left out; RunFolderError names any other bad line."""
        return _read_lines(self.path / "outcomes.jsonl", Outcome, "an outcome")

    def read_repeats(self) -> list[Repeat]:
        """Read repeats.jsonl in the same way; empty where nothing was asked again."""
        return _read_lines(self.path / "repeats.jsonl", Repeat, "a repeat")


def _read_lines(path: Path, kind: type[_Line], what: str) -> list[_Line]:
    if not path.is_file():
        return []
    found = []
    with path.open("rb") as lines:  # never the whole file in memory beside what it says
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                found.append(kind.model_validate_json(line))
            except ValidationError as error:
                if not line.endswith(b"\n"):  # the process died while writing it
                    break
                raise RunFolderError(f"{path}:{number}: not {what}: {error.errors()[0]['msg']}") from None
    return found


def open_run(path: Path) -> RunFolder:
    """Open an existing run by its folder (or a link such as reports/latest)."""
    if not (path / "run.json").is_file():
        raise RunFolderError(f"{path} is not a run folder: it has no run.json. Runs lie under reports/runs/.")
    return RunFolder(path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def append_whole(path: Path, content: bytes) -> None:
    """Append in one write, which the system keeps whole when two processes write at once."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, content)
    finally:
        os.close(file)


def point_latest(reports: Path, run: Path) -> None:
    """Let `reports/latest` lead to this run; where the system has no links, leave a text file that names it."""
    latest = reports / "latest"
    temporary = reports / f".latest.{os.getpid()}"
    try:
        temporary.symlink_to(run.relative_to(reports), target_is_directory=True)
        os.replace(temporary, latest)
    except OSError:
        temporary.unlink(missing_ok=True)
        write_whole(reports / "latest.txt", f"{run.relative_to(reports)}\n".encode())


def _explain(reports: Path) -> None:
    """Say what the folder is, and keep it out of version control, unless the user has done so already."""
    for name, text in (("README.md", _README), (".gitignore", "*\n!README.md\n!.gitignore\n")):
        if not (reports / name).exists():
            write_whole(reports / name, text.encode())


def _read_json(path: Path) -> Any:
    import json

    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error}") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise RunFolderError(f"{path}: schema_version {version!r}; this version reads {SCHEMA_VERSION}.")
    return data
