"""The short names of models: those that are built in, and those of the project's models.yaml.

inspector:                                # as in --model inspector
  repository: acme/floor-inspector        # on the Hugging Face hub; or  folder: ../checkpoints/inspector
  revision: 0123abc                       # which commit; --model inspector@REVISION has the last word
  family: reason2                         # how it is asked and read; without: by its `model_type`
  dtype: bfloat16                         # number format of the weights; without: the checkpoint's own
  attention: eager                        # how transformers computes it; without: sdpa
  gated: true                             # its terms must be accepted first
  download_gb: 18                         # for messages, `pytest-cosmos models` and `doctor`
  memory_gb: 24
reason2: {revision: 0123abc}              # a built-in name: pinned for this project
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_cosmos.errors import suggest
from pytest_cosmos.prompting import FAMILIES
from pytest_cosmos.userfiles import Complaints, Node, YamlReader, quoted, read_file, read_yaml, shown

FILE_NAME: Final = "models.yaml"
TINY: Final = "tiny"
HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
# what git allows in the names of branches and tags, less what could lead out of a cache folder
_REVISION = re.compile(r"[\w](?:[\w.+-]|/(?!\.))*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,40}")

_KEYS = ("repository", "folder", "revision", "family", "dtype", "attention", "gated", "download_gb", "memory_gb")
_ENTRY_FORM = "{repository: acme/floor-inspector, revision: 0123abc}"
_FORM = f"{{inspector: {_ENTRY_FORM}}}"
_DTYPES = ("float32", "bfloat16", "float16")
_ATTENTIONS = ("sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is known of a model before it is looked at."""

    repository: str = ""
    """On the Hugging Face hub; empty: it is a folder."""
    folder: Path | None = None
    revision: str | None = None
    family: str = "auto"
    """A name of `prompting.FAMILIES`; `auto`: by the checkpoint's `model_type`."""
    dtype: str = "auto"
    attention: str = "sdpa"
    gated: bool | None = None
    """Whether its terms must be accepted on the hub before it can be downloaded; None: not known."""
    download_gb: float | None = None
    memory_gb: float | None = None
    """GPU memory that its publisher asks for."""
    where: str = ""
    """`file:line` in models.yaml; empty: built in."""


# Sizes and memory: the READMEs of nvidia-cosmos/cosmos-reason1 and cosmos-reason2. 32B: not stated there; 66 GB is
# two bytes for each of its 33 billion weights, and cards come with 80.
SHORT_NAMES: Final[dict[str, KnownModel]] = {
    "reason1": KnownModel("nvidia/Cosmos-Reason1-7B", family="reason1", gated=False, download_gb=17, memory_gb=24),
    "reason2": KnownModel("nvidia/Cosmos-Reason2-2B", family="reason2", gated=True, download_gb=5, memory_gb=24),
    "reason2-8b": KnownModel("nvidia/Cosmos-Reason2-8B", family="reason2", gated=True, download_gb=18, memory_gb=32),
    "reason2-32b": KnownModel("nvidia/Cosmos-Reason2-32B", family="reason2", gated=True, download_gb=66, memory_gb=80),
}


def known_models(file: Path | None) -> Mapping[str, KnownModel]:
    """Return all short names, those of the project's file included; Problems with all its mistakes."""
    return SHORT_NAMES if file is None else {**SHORT_NAMES, **read_models(file)}


def read_models(file: Path) -> dict[str, KnownModel]:
    """Read models.yaml; raises `Problems` with all its mistakes."""
    data, complaints = read_file(file), Complaints()
    root, reader = read_yaml(data, file, complaints), YamlReader(file, complaints)
    entries = {} if root is None else reader.mapping(root, "the file", _FORM)
    models = {name: _Entry(name, node, reader).model() for name, node in entries.items()}
    complaints.raise_any()
    return models


def revision_problem(revision: str) -> str | None:
    """Say what is wrong with a revision, in words that go after it; None: nothing."""
    if _REVISION.fullmatch(revision) and ".." not in revision:
        return None
    return "must be a commit, a branch or a tag of its repository on the hub"


def expanded(path: str) -> Path:
    """Return a path with its `~` resolved, where there is such a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_commit(revision: str | None) -> bool:
    """Tell whether a revision can only ever mean the same weights: a commit's hash, whole or abridged."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


class _Entry:
    """Reads what models.yaml says of one name; after a complaint what is returned is void."""

    def __init__(self, name: str, node: Node, reader: YamlReader) -> None:
        self._name, self._node, self._reader = name, node, reader
        self._what = f"model {quoted(name)}"
        self._built_in = SHORT_NAMES.get(name)
        self._keys = reader.mapping(node, self._what, _ENTRY_FORM)
        reader.known(self._keys, _KEYS, self._what)

    def model(self) -> KnownModel:
        """Return what it says; for a built-in name over what is known of that."""
        self._check_name()
        if self._keys:
            self._check_source()
        known = self._built_in or KnownModel()
        gated = self._gated()
        return replace(
            known,
            repository=self._repository() or known.repository,
            folder=self._folder(),
            revision=self._revision(),
            family=self._one_of("family", tuple(FAMILIES)) or known.family,
            dtype=self._one_of("dtype", _DTYPES) or known.dtype,
            attention=self._one_of("attention", _ATTENTIONS) or known.attention,
            gated=known.gated if gated is None else gated,
            download_gb=self._size("download_gb") or known.download_gb,
            memory_gb=self._size("memory_gb") or known.memory_gb,
            where=f"{shown(self._reader.file)}:{self._node.line}",
        )

    def _check_name(self) -> None:
        if self._name == TINY:
            self._complain(self._node, "is the embedded model. Choose another name")
        elif not _NAME.fullmatch(self._name):
            self._complain(self._node, "is no name. Use letters, digits, '-', '_' and '.' (no '/' and no '@')")

    def _check_source(self) -> None:
        """Complain unless it says exactly once where the weights are; a built-in name has its repository."""
        keys = self._keys
        if self._built_in is not None and "folder" in keys:
            self._complain(keys["folder"], f"is {self._built_in.repository}, no folder. Choose another name")
        elif "repository" in keys and "folder" in keys:
            self._complain(self._node, "has both repository and folder. Remove one")
        elif self._built_in is None and not keys.keys() & {"repository", "folder"} and keys.keys() <= set(_KEYS):
            self._complain(self._node, "lacks its weights. Write repository: org/name, or folder: PATH")
        for key in ("revision", "gated"):
            if key in keys and "folder" in keys:
                self._complain(keys[key], f"has {key}, which goes with repository, not with folder. Remove it")

    def _repository(self) -> str | None:
        text = self._text("repository")
        if text is None:
            return None
        node = self._keys["repository"]
        if "@" in text:
            self._complain(node, f"has the repository {quoted(text)}. Write what follows the @ as revision:")
        elif not HUB_ID.fullmatch(text) or "--" in text or ".." in text:
            self._complain(node, f"has the repository {quoted(text)}, which is no Hugging Face id. Write org/name")
        elif self._built_in is not None and text != self._built_in.repository:
            self._complain(node, f"is {self._built_in.repository}, not {text}. Choose another name")
        return text

    def _folder(self) -> Path | None:
        """Return the folder, relative to the file; whether it exists is asked when it is wanted."""
        text = self._text("folder")
        return None if text is None else self._reader.file.parent / expanded(text)

    def _revision(self) -> str | None:
        text = self._text("revision")
        if text is not None and (problem := revision_problem(text)):
            self._complain(self._keys["revision"], f"has the revision {quoted(text)}, which {problem}")
        return text

    def _gated(self) -> bool | None:
        node = self._keys.get("gated")
        return self._reader.boolean(node, f"{self._what}: gated") if node else None

    def _one_of(self, key: str, allowed: Collection[str]) -> str | None:
        text = self._text(key)
        if text is not None and text not in allowed:
            hint = suggest(text, tuple(allowed))
            names = ", ".join(allowed)
            self._complain(
                self._keys[key], f"has the {key} {quoted(text)}, which is not known. Allowed: {names}.{hint}"
            )
        return text

    def _size(self, key: str) -> float | None:
        node = self._keys.get(key)
        number = self._reader.number(node, f"{self._what}: {key}") if node else None
        if node and number is not None and number <= 0:
            self._complain(node, f"has {key} {node.raw}, but it must be more than 0 (gigabytes)")
        return number

    def _text(self, key: str) -> str | None:
        node = self._keys.get(key)
        return self._reader.text(node, f"{self._what}: {key}", key=key) if node else None

    def _complain(self, node: Node, text: str) -> None:
        self._reader.complain(node, f"{self._what} {text}")
