"""Rows of a table -> Samples; every mistake in a row is complained of at its line."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pytest_cosmos.errors import suggest
from pytest_cosmos.media import MISSING, combine_digests
from pytest_cosmos.records import Sample
from pytest_cosmos.suites.columns import (
    DEFAULT_SPLIT,
    SPLITS,
    cells_by_column,
    column_for,
    undeclared,
)
from pytest_cosmos.suites.files import SuiteFolder
from pytest_cosmos.suites.filling import columns_in
from pytest_cosmos.suites.manifest import Manifest
from pytest_cosmos.suites.table import Row, Table
from pytest_cosmos.userfiles import Complaints, control_character, quoted

# Between the media of one sample.
_SEPARATOR = re.compile("[;|]")

_FLAGS = {"": False, "false": False, "true": True}


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """A sample as it was read, and where."""

    line: int
    sample: Sample


def name_columns(table: Table, file: Path, manifest: Manifest) -> tuple[Row, ...]:
    """Name the cells of a table by the columns that its header means."""
    complaints, declared = manifest.reader.complaints, manifest.columns
    line, columns = table.line, dict[str, str]()
    for name in table.header:
        column = column_for(name, declared)
        if column is None:
            complaints.add(file, line, undeclared(name, declared))
        elif column in columns.values():
            complaints.add(file, line, f"two columns mean {column}: {quoted(name)} is one. Remove it")
        else:
            columns[name] = column
    needed = ("file", "label", *(("category",) if manifest.categories else ()), *declared)
    if missing := [column for column in needed if column not in columns.values()]:
        header = ", ".join(table.header)
        complaints.add(
            file, line, f"the header lacks {', '.join(missing)}. It reads: {header}.{_separator_hint(table)}"
        )
        return ()
    return tuple(Row(row.line, cells_by_column(row.cells, columns)) for row in table.rows)


def _separator_hint(table: Table) -> str:
    semicolons = len(table.header) == 1 and ";" in table.header[0]
    return " Separate the columns by commas, not by semicolons" if semicolons else ""


class SampleReader:
    """Reads the rows of one suite; remembers what may be there only once."""

    def __init__(self, file: Path, folder: SuiteFolder, manifest: Manifest, decode: Collection[str]) -> None:
        self.file, self.folder, self.manifest, self.decode = file, folder, manifest, decode
        self.complaints: Complaints = manifest.reader.complaints
        # Samples that are asked questions of their own may share their media.
        self._asked = tuple(
            dict.fromkeys(
                column for one in manifest.prompts for column in columns_in(one.prompt.text, manifest.columns)
            )
        )
        self._lines_of_ids: dict[str, int] = {}
        self._lines_of_media: dict[tuple[tuple[str, ...], ...], int] = {}
        self._lines_of_folders: dict[str, int] = {}

    def read(self, rows: Sequence[Row]) -> tuple[SampleEntry, ...]:
        """Return the sound samples."""
        entries = ((row.line, self._sample(row)) for row in rows)
        return tuple(SampleEntry(line, sample) for line, sample in entries if sample is not None)

    def _sample(self, row: Row) -> Sample | None:
        before = len(self.complaints)
        split = self._word(row, "split", SPLITS) or DEFAULT_SPLIT
        media = self._media(row)
        digest = self._digest(row, media, decode=split in self.decode)
        values = {
            "id": self._id(row, media),
            "media": media,
            "media_hash": digest,
            "label": self._word(row, "label", self.manifest.labels, needed=True),
            "category": self._word(row, "category", self.manifest.categories, needed=bool(self.manifest.categories)),
            "split": split,
            "source": self._text(row, "source"),
            "group": self._text(row, "group"),
            "must_pass": self._flag(row, "must_pass"),
            "reasoning": self._paragraphs(row, "reasoning"),
            "fields": {column: self._paragraphs(row, column) for column in self.manifest.columns},
        }
        return None if row.told or len(self.complaints) > before else Sample(**values)

    def _complain(self, row: Row, text: str) -> None:
        self.complaints.add(self.file, row.line, text)

    def _text(self, row: Row, column: str) -> str:
        text = row.cells.get(column, "")
        if (character := control_character(text)) is not None:
            self._complain(row, f"{column} {quoted(text)} holds the control character {character!r}")
        return text

    def _paragraphs(self, row: Row, column: str) -> str:
        """Read a text that may have several lines: reasoning, a question, whatever a suite's own column is for."""
        text = row.cells.get(column, "").replace("\r\n", "\n")
        if (character := control_character(re.sub(r"[\n\t]", " ", text))) is not None:
            self._complain(row, f"{column} {quoted(text)} holds the control character {character!r}")
        return text

    def _word(self, row: Row, column: str, allowed: Sequence[str], *, needed: bool = False) -> str:
        """Read a cell that holds one of the words allowed (none given: any)."""
        text = self._text(row, column)
        listing = f" Allowed: {', '.join(allowed)}." if allowed else ""
        if not text and needed and column not in row.told:
            self._complain(row, f"{column} is empty.{listing}")
        elif text and allowed and text not in allowed:
            self._complain(row, f"unknown {column} {quoted(text)}.{listing}{suggest(text, allowed)}")
        return text

    def _flag(self, row: Row, column: str) -> bool:
        text = self._text(row, column)
        if text.casefold() not in _FLAGS:
            self._complain(row, f"{column} is {quoted(text)}. Allowed: true, false, or nothing")
        return _FLAGS.get(text.casefold(), False)

    def _media(self, row: Row) -> tuple[str, ...]:
        cell = row.cells.get("file", "")
        # as_posix(): `./media//a.jpg` is `media/a.jpg`
        media = tuple(PurePosixPath(name.strip()).as_posix() for name in _SEPARATOR.split(cell) if name.strip())
        if not media and "file" not in row.told:
            self._complain(row, "file is empty. Write the path of an image or a video, relative to the suite's folder")
        if not media:
            return ()
        asked = tuple(row.cells.get(column, "") for column in self._asked)
        first = self._lines_of_media.setdefault((media, asked), row.line)
        if first != row.line:
            self._complain(row, f"file {quoted(cell)} is already listed in line {first}. Remove one")
        return media

    def _id(self, row: Row, media: tuple[str, ...]) -> str:
        stated = self._text(row, "id")
        name = stated or (PurePosixPath(media[0]).stem if media else "")
        first = self._lines_of_ids.setdefault(name, row.line) if name else row.line
        if first != row.line:
            advice = "Give each its own" if stated else "It is the file's name: add a column id"
            self._complain(row, f"the id {quoted(name)} is already taken by line {first}. {advice}")
        return name

    def _digest(self, row: Row, media: tuple[str, ...], *, decode: bool) -> str:
        digests = []
        for name in media:
            found = self.folder.inspect(name, decode=decode)
            if found.problem == MISSING:
                self._complain_of_missing(row, name)
            elif found.problem:
                self._complain(row, f"file {quoted(name)} {found.problem}")
            digests.append(found.digest)
        return combine_digests(digests) if decode and digests else ""

    def _complain_of_missing(self, row: Row, name: str) -> None:
        folder = self.folder.missing_folder(name)
        if folder is None:
            self._complain(row, f"file {quoted(name)} {MISSING}.{self.folder.suggestion(name)}".rstrip("."))
        else:  # told once, not again for each of its files
            line = self._lines_of_folders.setdefault(folder, row.line)
            self.complaints.add(self.file, line, f"the folder {quoted(folder)} does not exist in the suite's folder")
