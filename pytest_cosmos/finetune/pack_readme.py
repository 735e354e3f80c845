"""The README of a packed data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_cosmos.finetune.packed import MANIFEST, MEDIA, PackRecord

_WHAT = {
    "jsonl": (
        "`{split}.jsonl`: an object a line with `image_path` or `video_path` (a list where there are several), "
        "`prompt` and `target`, sometimes `system`. Paths are relative to this folder."
    ),
    "llava": (
        "`llava/{split}.json`: the LLaVA-style list of the Cosmos Cookbook, for cosmos-rl's `llava_sft.py`: "
        f"`annotation_path` is this file, `media_path` is `{MEDIA}`."
    ),
    "hf": (
        "`hf/{split}`: for `datasets.load_from_disk` and cosmos-rl's `hf_sft.py`: one column, `conversations`. Its "
        "paths are absolute: after moving this folder, pack again. With Reason2, cosmos-rl 0.3.9 does not read "
        "pictures in it (only base64): use llava."
    ),
}


def readme(record: PackRecord, systems: Sequence[str], configurations: Sequence[str]) -> str:
    """Write what is in the folder; `systems` are the system prompts of the records."""
    return "\n".join([*_lines(record, systems, configurations), ""])


def _lines(record: PackRecord, systems: Sequence[str], configurations: Sequence[str]) -> Iterator[str]:
    yield f"# {record.suite}, packed for training"
    yield ""
    yield f"Made by `pytest-cosmos pack --model {record.model}`: prompts are worded as evaluation asks a model of the"
    yield f"family {record.family}, and targets as it is to answer. The test split is not in it."
    yield ""
    for split, counts in record.splits.items():
        told = f"{counts.cases} records of {counts.samples} samples, {counts.with_reasoning} with reasoning"
        yield f"- {split}: {told}"
    yield ""
    for form, what in _WHAT.items():
        if form in record.left_out:
            yield f"- {form}: not written: {record.left_out[form]}"
        else:
            yield f"- {what.format(split='train')}"
    yield f"- `{MEDIA}/`: images and videos, each once."
    yield f"- `{MANIFEST}`: what this was made of, and the SHA-256 of every file."
    yield from (f"- `{name}`: a configuration of cosmos-rl; read its comments." for name in configurations)
    yield ""
    if len(systems) == 1 and systems[0]:
        yield "The system prompt of every record (`system_prompt` in a configuration for `llava_sft.py`):"
        yield ""
        yield from (f"    {line}" for line in systems[0].splitlines())
        yield ""
    yield "`case` in each record is what it was made of. Loaders ignore it; `pytest-cosmos import` of this folder, or"
    yield "of one of its files, makes a suite of it again."
