"""Prompt files as the Cosmos repositories have them: `system_prompt` and `user_prompt` in YAML, read where they lie.

Their form is that of nvidia-cosmos/cosmos-reason1 (`PromptConfig`: these two keys and no other) and of
nvidia-cosmos/cosmos-reason2 (`InputConfig`: `sampling_params`, too; its template has a `$schema`).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, quoted, read_yaml, shown

if TYPE_CHECKING:
    from pytest_cosmos.suites.suite import Suite

FORM = '{system_prompt: "You are a helpful assistant.", user_prompt: "What is in the way?"}'

_TEXTS = ("system_prompt", "user_prompt")
_KEYS = (*_TEXTS, "sampling_params", "$schema")
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What a prompt file says."""

    system: str | None
    """To the character: publishers' code hands it on with its last line break. None: not said; empty: there is none."""
    text: str | None
    """None: not said."""
    data: bytes
    """The file itself, for the suite's digest."""


def read_prompt_file(path: Path, complaints: Complaints) -> PromptFile | None:
    """Read a prompt file that is there; None (and complaints) where it is not of that form."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        complaints.add(path, 1, f"the prompt file cannot be read: {error.strerror}")
        return None
    if len(data) > _MOST_BYTES:
        complaints.add(path, 1, f"the prompt file is too long: at most {_MOST_BYTES:,} bytes")
        return None
    root = read_yaml(data, path, complaints)
    if root is None:
        return None
    before = len(complaints)
    reader = YamlReader(path, complaints)
    found = reader.mapping(root, "the prompt file", FORM)
    reader.known(found, _KEYS, "the prompt file")
    _check_sampling(found.get("sampling_params"), reader)
    system, text = (_text(found.get(key), reader, key) for key in _TEXTS)
    if len(complaints) == before and system is None and not text:
        reader.complain(root, f"the prompt file gives neither system_prompt nor user_prompt. Write e.g. {FORM[1:-1]}")
    # publishers' code takes the white space at the end of a question off; an empty one is none
    return PromptFile(system, (text or "").rstrip() or None, data) if len(complaints) == before else None


def _text(node: Node | None, reader: YamlReader, key: str) -> str | None:
    """Return a text as it is written; None where there is none, or where it is no text."""
    if node is None:
        return None
    if node.kind is Kind.TEXT and not node.raw.strip():
        return ""
    return node.raw if reader.text(node, key, key=key, one_line=False) is not None else None


def _check_sampling(node: Node | None, reader: YamlReader) -> None:
    if node is not None and (node.pairs or node.kind not in (Kind.MAPPING, Kind.NOTHING)):
        reader.complain(
            node,
            "sampling_params are not obeyed: how a model generates is chosen for a whole run, by --cosmos-sampling. "
            "Remove them, or leave them empty: {}",
        )


def locate_prompt_file(node: Node, reader: YamlReader, what: str) -> Path | None:
    """Return the file that `prompt_file:` names: relative to the suite's folder, absolute, or below `~`."""
    name = reader.text(node, what, key="prompt_file")
    if name is None:
        return None
    path = Path(os.path.normpath(reader.file.parent / os.path.expanduser(name)))
    if path.is_file():
        return path
    why = "is no file" if path.exists() else "does not exist"
    reader.complain(
        node, f"{what}: {quoted(name)} {why} ({shown(path)}). Write its path, relative to the suite's folder"
    )
    return None


def with_prompt_file(suite: Suite, file: PromptFile) -> Suite:
    """Let a prompt file take the place of what every prompt of a suite says; what it does not say stays."""
    update = {key: value for key, value in (("system", file.system), ("text", file.text)) if value is not None}
    return replace(
        suite,
        prompts=tuple(prompt.model_copy(update=update) for prompt in suite.prompts),
        digest=hashlib.sha256(f"{suite.digest}\0".encode() + file.data).hexdigest(),
    )
