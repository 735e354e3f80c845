"""Annotation files -> a suite's folder, which `check-cases` accepts: whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_cosmos.errors import OptionError, Problems
from pytest_cosmos.finetune.import_deduce import deduce
from pytest_cosmos.finetune.import_media import MediaFinder
from pytest_cosmos.finetune.import_read import read_entries
from pytest_cosmos.finetune.import_records import AnyFormat, Entry
from pytest_cosmos.finetune.import_restore import restore
from pytest_cosmos.finetune.import_write import Draft, write_suite
from pytest_cosmos.finetune.new_folder import MediaMode, new_folder
from pytest_cosmos.finetune.packed import MANIFEST, PackRecord
from pytest_cosmos.suites import Suite, read_suite
from pytest_cosmos.userfiles import Complaints, read_file, shown


@dataclass(frozen=True, slots=True)
class Importing:
    """How files are imported."""

    form: AnyFormat | None = None
    """None: as their records show."""
    media_path: Path | None = None
    """What the paths in them are relative to; None: their own folder, or as `pack` lays them out."""
    media: MediaMode = "copy"
    split: str = ""
    """Of every sample; empty: as they say, or else test."""
    skip: bool = False
    """Leave out records that cannot be taken, instead of stopping."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    suite: Suite
    formats: tuple[str, ...]
    """Of the files, in their order."""
    remarks: tuple[str, ...]
    skipped: tuple[str, ...]
    """Records that were left out, each as `file:line: why`."""


def import_cases(files: Sequence[Path], out: Path, how: Importing) -> Imported:
    """Make a suite of annotation files; Problems with all that is wrong in them, OptionError for an unknown format."""
    title, files = _unpacked(files)
    broken, unfit = Complaints(), Complaints()
    entries: list[tuple[Entry, dict[str, Path]]] = []
    formats: list[str] = []
    for file in files:
        form, read = read_entries(file, how.form, broken, unfit)
        formats.append(form or "empty")
        finder = MediaFinder(file, how.media_path)
        found = ((entry, finder.find(entry, unfit)) for entry in read)
        entries += [(entry, media) for entry, media in found if media is not None]
    ours = any(entry.case is not None for entry, _ in entries)
    draft = restore(entries, out, unfit) if ours else deduce(entries, unfit)
    if broken or (unfit and not how.skip) or not draft.samples:
        lines = (*broken.lines(), *unfit.lines()) or (f"{shown(files[0])}:1: no records",)
        raise Problems(lines)
    if ours and unfit:
        raise Problems(unfit.lines())  # --skip is for what comes from elsewhere: ours is whole, or was tampered with
    draft = replace(draft, title=draft.title or title)
    if how.split:
        draft = replace(draft, samples=tuple(one.model_copy(update={"split": how.split}) for one in draft.samples))
    return Imported(_written(draft, out, how.media), tuple(formats), draft.remarks, unfit.lines())


def _written(draft: Draft, out: Path, media: MediaMode) -> Suite:
    """Write the suite and read it back, before it gets its place: what comes out is sound."""
    with new_folder(out) as folder:
        write_suite(draft, folder, media)
        try:
            suite = read_suite(folder, split=None, decode=())  # the media were looked at where they lay
        except Problems as found:
            raise Problems([line.replace(str(folder), shown(out)) for line in found.lines]) from None
    return replace(suite, folder=out)


def _unpacked(files: Sequence[Path]) -> tuple[str, tuple[Path, ...]]:
    """Return the title, and the files to read: in the place of a packed data set's folder those of its splits."""
    title, found = "", []
    for path in files:
        if not path.exists():
            raise OptionError(f"{shown(path)}: does not exist.")
        if not (path / MANIFEST).is_file():
            found.append(path)
            continue
        try:
            record = PackRecord.model_validate_json(read_file(path / MANIFEST))
        except ValueError as error:
            raise OptionError(f"{shown(path / MANIFEST)}: cannot be read: {error}") from None
        title = "" if record.title == record.suite else record.title
        form = record.formats[0]
        name = {"jsonl": "{}.jsonl", "llava": "llava/{}.json", "hf": "hf/{}"}[form]
        found += [path / name.format(split) for split in record.splits]
    return title, tuple(found)
