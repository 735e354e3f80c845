"""Prompts and samples -> the files of a suite."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pytest_cosmos.finetune.new_folder import MediaMode, put_media
from pytest_cosmos.records import AnswerKind, Prompt, Sample
from pytest_cosmos.runlog import write_whole
from pytest_cosmos.suites import MANIFEST

TABLE = "samples.csv"

_HEAD = (
    "# Made by `pytest-cosmos import`. `pytest-cosmos check-cases` tells every mistake in it, with file and line.\n\n"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A suite before it has files."""

    prompts: tuple[Prompt, ...]
    samples: tuple[Sample, ...]
    sources: Mapping[str, Path]
    """Where the media lie, by their names in the suite."""
    title: str = ""
    remarks: tuple[str, ...] = ()
    """What was deduced, in words for a person."""


def write_suite(draft: Draft, folder: Path, media: MediaMode) -> None:
    """Write a suite's files into a folder."""
    for name, source in draft.sources.items():
        put_media(source, folder / name, media)
    for prompt in draft.prompts:
        if _needs_file(prompt):
            (folder / "prompts").mkdir(exist_ok=True)
            write_whole(folder / _file_of(prompt), _dump(_texts_in_file(prompt)).encode())
    write_whole(folder / MANIFEST, (_HEAD + _dump(_manifest(draft))).encode())
    write_whole(folder / TABLE, _table(draft).encode())


def _dump(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), allow_unicode=True, sort_keys=False, width=110)


def _manifest(draft: Draft) -> dict[str, Any]:
    columns = own_columns(draft.samples)
    return {
        **({"title": draft.title} if draft.title else {}),
        **({"columns": list(columns)} if columns else {}),
        "prompts": {prompt.name: _prompt(prompt) for prompt in draft.prompts},
    }


def own_columns(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the columns that any of the samples has beyond the standard ones."""
    return tuple(dict.fromkeys(column for sample in samples for column in sample.fields))


def _prompt(prompt: Prompt) -> dict[str, Any]:
    said: dict[str, Any] = {"prompt_file": _file_of(prompt)} if _needs_file(prompt) else {"text": prompt.text}
    if not _needs_file(prompt) and prompt.system is not None:
        said["system"] = prompt.system
    said["kind"] = prompt.kind.value
    match prompt.kind:
        case AnswerKind.CHOICE:
            said["choices"] = list(prompt.choices)
        case AnswerKind.RATING:
            said["scale"] = [int(prompt.choices[0]), int(prompt.choices[-1])]
            if prompt.tolerance:
                said["tolerance"] = prompt.tolerance
        case AnswerKind.YES_NO:
            pass
    said["expected"] = prompt.expected
    if prompt.hazard:
        said["hazard"] = prompt.hazard
    if not prompt.reasoning:
        said["reasoning"] = False
    if vision := prompt.vision.model_dump(exclude_none=True):
        said["vision"] = vision
    return said


def _needs_file(prompt: Prompt) -> bool:
    """Tell whether a text begins or ends with white space: only prompt files keep that."""
    return any(text != text.strip() for text in (prompt.text, prompt.system or ""))


def _file_of(prompt: Prompt) -> str:
    return f"prompts/{prompt.name}.yaml"


def _texts_in_file(prompt: Prompt) -> dict[str, str]:
    system = {} if prompt.system is None else {"system_prompt": prompt.system}
    return {**system, "user_prompt": prompt.text}


def _table(draft: Draft) -> str:
    """Write the samples; standard columns that none of them has are left out."""
    columns = own_columns(draft.samples)
    optional = ("category", "split", "source", "group", "must_pass", "reasoning")
    used = tuple(name for name in optional if any(_cell(sample, name) for sample in draft.samples))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("id", "file", "label", *used, *columns))
    for sample in draft.samples:
        cells = (_cell(sample, name) for name in used)
        own = (sample.fields.get(column, "") for column in columns)
        rows.writerow((sample.id, ";".join(sample.media), sample.label, *cells, *own))
    return text.getvalue()


def _cell(sample: Sample, column: str) -> str:
    if column == "must_pass":
        return "true" if sample.must_pass else ""
    return str(getattr(sample, column))
