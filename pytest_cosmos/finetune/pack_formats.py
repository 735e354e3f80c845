"""Packed records in the forms that training code reads, and what cannot be said in them.

jsonl   one object a line: image_path or video_path, prompt, target; paths relative to the file's folder
llava   nvidia-cosmos/cosmos-reason2, examples/cosmos_rl/scripts/llava_sft.py: a list; paths relative to its media_path
hf      the same place, hf_sft.py: datasets.load_from_disk, one column that holds a conversation as JSON

Each record carries its case as well, which all of these loaders ignore: `pytest-cosmos import` reads it back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.packed import MEDIA, Format, Packed

FORMATS: tuple[Format, ...] = ("jsonl", "llava", "hf")

MEDIA_TAG = re.compile(r"(\n)?</?(image|video)>(\n)?")
"""What the loader of llava takes out of a question, wherever it stands."""

NO_DATASETS = "the package 'datasets' is not installed. Install it: pip install 'pytest-cosmos[finetune]'"


def jsonl_record(record: Packed) -> dict[str, Any]:
    """Write a record as a line of jsonl."""
    media = {f"{kind}_path": record.paths(kind, f"{MEDIA}/") for kind in ("image", "video")}
    system = {"system": record.system} if record.system else {}
    said = {"prompt": record.prompt, "target": record.target}
    return {"id": record.id, **_given(media), **system, **said, "case": record.case}


def llava_record(record: Packed) -> dict[str, Any]:
    """Write a record as an entry of llava: only the first two turns are read, whoever they are from."""
    # `images` even where there are none: the loader counts through them
    media = {"image": record.paths("image"), "video": record.paths("video")}
    none: dict[str, Any] = {} if media["image"] is not None else {"images": []}
    tags = "".join(f"<{kind}>\n" for kind, _ in record.media)
    turns = [{"from": "human", "value": f"{tags}{record.prompt}"}, {"from": "gpt", "value": record.target}]
    return {"id": record.id, **none, **_given(media), "conversations": turns, "case": record.case}


def conversation(record: Packed, media: Path) -> list[dict[str, Any]]:
    """Write a record as a conversation of hf; its paths are absolute, for nothing tells the loader where they begin."""
    shown = [{"type": kind, kind: str(media / path)} for kind, path in record.media]
    user = {"role": "user", "content": [*shown, {"type": "text", "text": record.prompt}]}
    system = [{"role": "system", "content": record.system}] if record.system else []
    return [*system, user, {"role": "assistant", "content": record.target, "case": record.case}]


def _given(media: Mapping[str, str | list[str] | None]) -> dict[str, str | list[str]]:
    return {key: paths for key, paths in media.items() if paths is not None}


def json_lines(records: Sequence[Packed]) -> bytes:
    """Write the file of jsonl."""
    return "".join(f"{json.dumps(jsonl_record(record), ensure_ascii=False)}\n" for record in records).encode()


def llava_list(records: Sequence[Packed]) -> bytes:
    """Write the file of llava, an entry a line."""
    entries = ",\n".join(json.dumps(llava_record(record), ensure_ascii=False) for record in records)
    return f"[\n{entries}\n]\n".encode()


def save_dataset(records: Sequence[Packed], folder: Path, media: Path) -> None:
    """Write the data set of hf; `media` is where the media will lie. OptionError without the package `datasets`."""
    try:
        import datasets
    except ImportError:
        raise OptionError(f"--format hf: {NO_DATASETS}.") from None

    conversations = [json.dumps(conversation(record, media), ensure_ascii=False) for record in records]
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.Dataset.from_dict({"conversations": conversations}).save_to_disk(str(folder))
    finally:
        if shown:
            datasets.enable_progress_bars()


def obstacle(form: Format, records: Sequence[Packed], folders: Collection[str], installed: Callable[[], bool]) -> str:
    """Say why records cannot be written in a format; empty: they can. `folders` are media that hold frames."""
    if form == "jsonl":
        return ""
    framed = next((path for record in records for _, path in record.media if path in folders), None)
    if framed is not None:
        return (
            f"{MEDIA}/{framed} is a folder of frames, which cosmos-rl does not read. Make a video of it: ffmpeg "
            "-framerate 4 -pattern_type glob -i 'FOLDER/*.png' clip.mp4"
        )
    if form == "hf":
        return "" if installed() else NO_DATASETS
    return _llava_obstacle(records)


def _llava_obstacle(records: Sequence[Packed]) -> str:
    systems = dict.fromkeys(record.system for record in records)
    if len(systems) > 1:
        return (
            f"its loader has one system prompt for all records, and these have {len(systems)}. Let all prompts (and, "
            "for reason1, all samples) have reasoning or none, or use hf, which has one in each record"
        )
    for record in records:
        if MEDIA_TAG.search(record.prompt):
            return f"{record.id}: its loader takes <image> and <video> out of the question, which is to hold one"
        kinds = [kind for kind, _ in record.media]
        if kinds != sorted(kinds):
            return f"{record.id}: its loader shows images before videos, and here a video comes first. Use hf"
    return ""
