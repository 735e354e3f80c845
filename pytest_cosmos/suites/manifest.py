"""Read suite.yaml: what the suite is called, which words it uses, what it asks, and maybe its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.suites.columns import column_for, own_name_problem, undeclared
from pytest_cosmos.suites.defaults import KEYS as DEFAULT_KEYS
from pytest_cosmos.suites.defaults import PromptFiles, read_defaults
from pytest_cosmos.suites.prompts import PromptEntry, read_prompts
from pytest_cosmos.suites.table import Row
from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, read_yaml

_SAMPLE_FORM = "{file: media/a.jpg, label: cracked}"
_KEYS = ("title", "labels", "categories", "columns", "samples", *DEFAULT_KEYS, "prompts")
MANIFEST_FORM = '{prompts: {is_cracked: {text: "Is this floor cracked?", kind: yes_no, expected: {cracked: "Yes"}}}}'


@dataclass(frozen=True, slots=True)
class Manifest:
    """What suite.yaml says."""

    reader: YamlReader
    """To complain of its lines later."""
    title: str = ""
    labels: tuple[str, ...] = ()
    """Empty: those that the samples have."""
    categories: tuple[str, ...] = ()
    """Empty: any."""
    columns: tuple[str, ...] = ()
    """The suite's own."""
    prompts: tuple[PromptEntry, ...] = ()
    prompt_files: tuple[bytes, ...] = ()
    """What the prompt files hold that it names."""
    table: Node | None = None
    """Where it names the file that lists the samples."""
    rows: tuple[Row, ...] | None = None
    """The samples, where it lists them itself."""


def read_manifest(data: bytes, file: Path, complaints: Complaints) -> Manifest | None:
    """Read suite.yaml; None (and complaints) where it is no YAML mapping."""
    root = read_yaml(data, file, complaints)
    if root is None:
        return None
    reader = YamlReader(file, complaints)
    keys = reader.mapping(root, "the file", MANIFEST_FORM)
    if root.kind is not Kind.MAPPING:
        return None
    reader.known(keys, _KEYS, "the file")
    columns = _columns(keys["columns"], reader) if "columns" in keys else ()
    if "prompts" not in keys:
        reader.complain(root, f"prompts are missing: nothing is asked. Write e.g. {MANIFEST_FORM[1:-1]}")
    files = PromptFiles(reader)
    defaults = read_defaults(keys, reader, files)
    prompts = read_prompts(keys["prompts"], reader, columns, defaults, files) if "prompts" in keys else ()
    samples = keys.get("samples")
    listed = samples is not None and samples.kind is Kind.LIST
    return Manifest(
        reader=reader,
        title=(reader.text(keys["title"], "title", key="title") or "") if "title" in keys else "",
        labels=reader.texts(keys["labels"], "labels") if "labels" in keys else (),
        categories=reader.texts(keys["categories"], "categories") if "categories" in keys else (),
        columns=columns,
        prompts=prompts,
        prompt_files=files.data(),
        table=None if listed else samples,
        rows=_listed_rows(samples, reader, columns) if samples is not None and listed else None,
    )


def _columns(node: Node, reader: YamlReader) -> tuple[str, ...]:
    names = reader.texts(node, "columns")
    for name in names:
        if problem := own_name_problem(name):
            reader.complain(node, f"columns: {problem}")
    return names


def _listed_rows(node: Node, reader: YamlReader, declared: Sequence[str]) -> tuple[Row, ...]:
    if not node.items:
        reader.complain(node, "samples is empty. List samples, or name a table")
    return tuple(_ListedSample(item, reader, declared).row() for item in node.items if _is_mapping(item, reader))


def _is_mapping(node: Node, reader: YamlReader) -> bool:
    if node.kind is not Kind.MAPPING:
        reader.complain(node, f"samples: an entry must be a mapping such as {_SAMPLE_FORM}")
    return node.kind is Kind.MAPPING


class _ListedSample:
    """Reads one entry of `samples:`."""

    def __init__(self, node: Node, reader: YamlReader, declared: Sequence[str]) -> None:
        self.node, self.reader, self.declared = node, reader, declared

    def row(self) -> Row:
        """Return its cells by the columns that its keys mean."""
        cells: dict[str, str | None] = {}
        for name, value in self.reader.mapping(self.node, "samples: an entry", _SAMPLE_FORM).items():
            column = column_for(name, self.declared)
            if column is None:
                self.reader.complain(value, f"samples: {undeclared(name, self.declared)}")
            elif column in cells:
                self.reader.complain(value, f"samples: {column} is given twice. Remove one")
            else:
                cells[column] = self._cell(value, column)
        told = frozenset(column for column, text in cells.items() if text is None)
        return Row(self.node.line, {column: text or "" for column, text in cells.items()}, told)

    def _cell(self, node: Node, column: str) -> str | None:
        """Return a value as it is written: numbers, too, where no word of the suite is meant."""
        plain = {Kind.TEXT, Kind.NOTHING}
        if column in (*self.declared, "id", "group"):
            plain |= {Kind.NUMBER, Kind.DATE}
        if column == "must_pass":
            plain.add(Kind.BOOLEAN)
        if node.kind is Kind.NOTHING:
            return ""
        return node.raw.strip() if node.kind in plain else self.reader.text(node, f"samples: {column}", key=column)
