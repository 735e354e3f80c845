"""Read annotation files, whatever holds their records: a JSON list, JSON lines, or a Hugging Face data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.import_records import FORMS, AnyFormat, Entry, Where, entries_of, recognise
from pytest_cosmos.finetune.pack_formats import NO_DATASETS
from pytest_cosmos.userfiles import Complaints, decode_text, quoted, read_file, shown

_DATASET_FILES = ("state.json", "dataset_info.json")


def read_entries(
    path: Path, form: AnyFormat | None, broken: Complaints, unfit: Complaints
) -> tuple[AnyFormat | None, tuple[Entry, ...]]:
    """Read a file or a data set's folder: its format (that of its first record, unless it is named) and its entries.

    `broken` is told of what is no JSON, `unfit` of records that cannot be taken. OptionError for an unknown format.
    """
    entries: list[Entry] = []
    for number, (line, item) in enumerate(_items(path, broken), start=1):
        where = Where(path, line, number)
        form = form or recognise(item)
        if form is None:
            known = "; ".join(f"{name}: {what}" for name, what in FORMS.items())
            told = f"the format is none that is known. Its first record has {_keys(item)}. Known are: {known}"
            raise OptionError(f"{shown(path)}:{line}: {told}.")
        if recognise(item) == form:
            entries += entries_of(form, item, where, unfit)
        else:
            where.complain(unfit, f"is no record of the format {form}, {FORMS[form]}: it has {_keys(item)}")
    return form, tuple(entries)


def is_dataset(path: Path) -> bool:
    """Tell whether a folder is a data set that `datasets` saved."""
    return all((path / name).is_file() for name in _DATASET_FILES)


def _keys(item: Any) -> str:
    return (
        f"the keys {quoted(', '.join(map(str, item)))}" if isinstance(item, dict) else f"no keys ({quoted(str(item))})"
    )


def _items(path: Path, complaints: Complaints) -> Iterator[tuple[int, Any]]:
    if path.is_dir():
        yield from _rows(path, complaints)
        return
    text = decode_text(read_file(path), path, complaints)
    if text is None:
        return
    read = _listed if text.lstrip().startswith("[") else _lines
    try:
        yield from read(text, path, complaints)
    except RecursionError:
        complaints.add(path, 1, "not valid here: values nested too deeply")


def _listed(text: str, path: Path, complaints: Complaints) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a JSON list with the lines in which they begin, which json.loads does not tell."""
    decoder, place, line, counted = json.JSONDecoder(), text.index("[") + 1, 1, 0
    try:
        while True:
            place = _after_space(text, place)
            if text[place : place + 1] == "]":
                return
            line, counted = line + text.count("\n", counted, place), place
            value, place = decoder.raw_decode(text, place)
            yield line, value
            place = _after_space(text, place)
            if text[place : place + 1] == ",":
                place += 1
            elif text[place : place + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, place)
    except json.JSONDecodeError as error:
        complaints.add(path, error.lineno, f"not valid JSON: {error.msg}")


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1].isspace():
        place += 1
    return place


def _lines(text: str, path: Path, complaints: Complaints) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                complaints.add(path, number, f"not valid JSON: {error.msg} (character {error.colno})")
                continue
            yield number, value


def _rows(path: Path, complaints: Complaints) -> Iterator[tuple[int, Any]]:
    if not is_dataset(path):
        raise OptionError(f"{shown(path)}: is no data set's folder. Name a file, a folder of `pack`, or hf/<split>.")
    try:
        import datasets
    except ImportError:
        raise OptionError(f"{shown(path)}: {NO_DATASETS}.") from None
    try:
        data = datasets.load_from_disk(str(path))
        column = data["conversations"]
    except (OSError, KeyError, ValueError) as error:
        raise OptionError(f"{shown(path)}: has no column conversations that can be read: {error}.") from None
    for number, text in enumerate(column, start=1):
        try:
            yield number, json.loads(text) if isinstance(text, str) else text
        except json.JSONDecodeError as error:
            complaints.add(path, number, f"not valid JSON: {error.msg}")
