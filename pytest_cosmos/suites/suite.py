"""Read a suite's folder: suite.yaml, the table of its samples, and their media."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.media import VideoFacts
from pytest_cosmos.records import Case, Prompt, Sample
from pytest_cosmos.suites.columns import DEFAULT_SPLIT, SPLITS
from pytest_cosmos.suites.files import SuiteFolder
from pytest_cosmos.suites.filling import filled
from pytest_cosmos.suites.manifest import MANIFEST_FORM, Manifest, read_manifest
from pytest_cosmos.suites.prompts import allowed_answers, canonical_answer, check_labels, stated_answer
from pytest_cosmos.suites.samples import SampleEntry, SampleReader, name_columns
from pytest_cosmos.suites.table import read_table
from pytest_cosmos.userfiles import Complaints, Node, quoted, shown

MANIFEST = "suite.yaml"
TABLES = ("samples.csv", "samples.tsv")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite whose files are in order."""

    name: str
    title: str
    folder: Path
    table: Path | None
    """Where its samples are listed; None: in suite.yaml."""
    samples: tuple[Sample, ...]
    """Of all splits, in the order of the files."""
    prompts: tuple[Prompt, ...]
    columns: tuple[str, ...]
    """The suite's own."""
    videos: Mapping[str, VideoFacts]
    """What is known of the videos that were decoded, by their paths in the suite."""
    digest: str
    """SHA-256 over suite.yaml, the table and the prompt files."""

    def cases(self, split: str = DEFAULT_SPLIT) -> tuple[Case, ...]:
        """Return the cases of a split, all prompts of a sample next to each other."""
        return tuple(
            Case(suite=self.name, sample=sample, prompt=prompt, expected=expected)
            for sample, prompt, expected in self._pairs(split)
            if expected
        )

    def blank(self, split: str = DEFAULT_SPLIT) -> int:
        """Count the pairs that make no case: without an expected answer, or without what the prompt's text needs."""
        return sum(not expected for _, _, expected in self._pairs(split))

    def _pairs(self, split: str) -> Iterator[tuple[Sample, Prompt, str]]:
        for sample in self.samples:
            if sample.split == split:
                for prompt in self.prompts:
                    asked = filled(prompt, sample)
                    answer = canonical_answer(prompt, stated_answer(prompt, sample)) if asked else None
                    yield sample, asked or prompt, answer or ""


def find_suites(cases: Path) -> dict[str, Path]:
    """Return the suites in a folder, by name: every subfolder that holds a suite.yaml."""
    if not cases.is_dir():
        return {}
    return {folder.name: folder for folder in sorted(cases.iterdir()) if (folder / MANIFEST).is_file()}


def read_suite(
    folder: Path,
    *,
    split: str | None = DEFAULT_SPLIT,
    decode: Collection[str] | None = None,
    thorough: bool = False,
) -> Suite:
    """Read a suite; raise Problems that lists all mistakes in its files at once: one without cases of `split` is one.

    With `split` None cases of any split will do. The media of the splits in `decode` (None: of `split`) are read,
    hashed and decoded (of a video only the first frames, unless `thorough`); of the others only presence and size are
    looked at (their samples have no `media_hash`).
    """
    complaints = Complaints()
    splits = SPLITS if split is None else (split,)
    suite = _SuiteReader(folder, complaints, splits if decode is None else decode, splits, thorough=thorough).read()
    complaints.raise_any()
    assert suite is not None, "a suite that is not read has a complaint"
    return suite


def sound_samples(folder: Path) -> tuple[Sample, ...]:
    """Return the samples of a suite, of all splits, without those whose rows have mistakes or whose media are gone.

    For what is left of data; whoever wants to ask a suite reads it whole.
    """
    return _SuiteReader(folder, Complaints(), (), SPLITS, thorough=False).sound()


class _SuiteReader:
    """Reads one suite."""

    def __init__(
        self, folder: Path, complaints: Complaints, decode: Collection[str], splits: Sequence[str], *, thorough: bool
    ) -> None:
        self.folder, self.complaints, self.decode, self.splits = folder, complaints, decode, splits
        self.file = folder / MANIFEST
        self.inside = SuiteFolder(folder, thorough=thorough)

    def read(self) -> Suite | None:
        """Return the suite, or None where there is a complaint."""
        name = Path(os.path.abspath(self.folder)).name  # of a link: its own, as find_suites has it
        if not _NAME.fullmatch(name):
            advice = "Name it with letters, digits, _ and -, a letter or digit first"
            self.complaints.add(self.file, 1, f"the folder's name {quoted(name)} cannot name a suite. {advice}")
        if not self.folder.is_dir():
            self.complaints.add(self.file, 1, f"the folder {quoted(shown(self.folder))} does not exist")
            return None
        data, manifest = self._manifest()
        if data is None or manifest is None:
            return None
        table, table_data, entries = self._samples(manifest)
        self._check_answers(manifest, entries, table)
        suite = Suite(
            name=name,
            title=manifest.title or name,
            folder=self.folder,
            table=None if table == self.file else table,
            samples=tuple(entry.sample for entry in entries),
            prompts=tuple(entry.prompt for entry in manifest.prompts),
            columns=manifest.columns,
            videos=self.inside.videos,
            digest=hashlib.sha256(b"\0".join((data, table_data, *manifest.prompt_files))).hexdigest(),
        )
        if not self.complaints and not any(suite.cases(split) for split in self.splits):
            self._complain_of_no_cases(suite, table)
        return None if self.complaints else suite

    def sound(self) -> tuple[Sample, ...]:
        """Return the samples without a complaint."""
        _, manifest = self._manifest()
        return () if manifest is None else tuple(entry.sample for entry in self._samples(manifest)[2])

    def _manifest(self) -> tuple[bytes | None, Manifest | None]:
        data = self._bytes(self.file, self.file, 1, f"It says what is asked. Write e.g. {MANIFEST_FORM[1:-1]}")
        return data, None if data is None else read_manifest(data, self.file, self.complaints)

    def _bytes(self, path: Path, where: Path, line: int, advice: str) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            self.complaints.add(where, line, f"the file {quoted(path.name)} does not exist. {advice}")
        except OSError as error:
            self.complaints.add(where, line, f"the file {quoted(path.name)} cannot be read: {error.strerror}")
        return None

    def _samples(self, manifest: Manifest) -> tuple[Path, bytes, tuple[SampleEntry, ...]]:
        """Return the file that lists the samples, its bytes (where it is not suite.yaml), and the samples."""
        if manifest.rows is not None:
            return self.file, b"", self._reader(self.file, manifest).read(manifest.rows)
        path, line = self._table_path(manifest)
        if path is None:
            return self.file, b"", ()
        advice = "Write one with the header: file,label (or list the samples under 'samples:' in suite.yaml)"
        data = self._bytes(path, path if line is None else self.file, line or 1, advice)
        table = None if data is None else read_table(data, path, self.complaints)
        if data is None or table is None:
            return path, b"", ()
        rows = name_columns(table, path, manifest)
        return path, data, self._reader(path, manifest).read(rows)

    def _reader(self, file: Path, manifest: Manifest) -> SampleReader:
        return SampleReader(file, self.inside, manifest, self.decode)

    def _table_path(self, manifest: Manifest) -> tuple[Path | None, int | None]:
        """Return the table, and the line that names it (None: it has a name of its own accord)."""
        node: Node | None = manifest.table
        if node is None:
            names = (name for name in TABLES if (self.folder / name).exists())
            return self.folder / next(names, TABLES[0]), None
        name = manifest.reader.text(node, "samples", key="samples")
        problem = self.inside.name_problem(name) if name else None
        if name and problem:
            manifest.reader.complain(node, f"samples: {quoted(name)} {problem}")
        return (None if problem or not name else self.folder / name), node.line

    def _check_answers(self, manifest: Manifest, entries: tuple[SampleEntry, ...], file: Path) -> None:
        found = dict.fromkeys(entry.sample.label for entry in entries)
        labels = manifest.labels or tuple(found)
        for prompt in manifest.prompts:
            check_labels(prompt, labels, manifest.reader, declared=bool(manifest.labels))
            for entry in entries:
                self._check_answer(prompt.prompt, entry, file)

    def _check_answer(self, prompt: Prompt, entry: SampleEntry, file: Path) -> None:
        """Complain where a sample's own column holds what is no answer (labels are checked as a whole)."""
        if isinstance(prompt.expected, dict) or prompt.expected == "label":
            return
        stated = stated_answer(prompt, entry.sample)
        if stated and canonical_answer(prompt, stated) is None:
            self.complaints.add(
                file,
                entry.line,
                f"{prompt.expected} is {quoted(stated)}, which is no answer to prompt {quoted(prompt.name)}. "
                f"Allowed: {allowed_answers(prompt)}",
            )

    def _complain_of_no_cases(self, suite: Suite, file: Path) -> None:
        splits = ", ".join(self.splits)
        asked = sum(sample.split in self.splits for sample in suite.samples)
        blank = sum(suite.blank(split) for split in self.splits)
        self.complaints.add(
            file,
            1,
            f"no cases in the {splits} split: {len(suite.samples)} samples, {asked} of them in it, "
            f"{blank} blank answers. Add samples of this split with expected answers",
        )
