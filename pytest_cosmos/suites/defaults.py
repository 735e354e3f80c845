"""What suite.yaml says for all of its prompts; each prompt may say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_cosmos.records import Vision
from pytest_cosmos.suites.prompt_files import PromptFile, locate_prompt_file, read_prompt_file
from pytest_cosmos.suites.vision import read_vision
from pytest_cosmos.userfiles import Kind, Node, YamlReader

KEYS = ("vision", "reasoning", "system", "prompt_file")


@dataclass(slots=True)
class PromptFiles:
    """The prompt files of a suite, each read (and complained of) once."""

    reader: YamlReader
    found: dict[Path, PromptFile | None] = field(default_factory=dict)

    def read(self, node: Node, what: str) -> PromptFile | None:
        """Read the file that a `prompt_file:` names; None (and a complaint) where it cannot be."""
        path = locate_prompt_file(node, self.reader, what)
        if path is None:
            return None
        if path not in self.found:
            self.found[path] = read_prompt_file(path, self.reader.complaints)
        return self.found[path]

    def data(self) -> tuple[bytes, ...]:
        """Return the bytes of the files, for the suite's digest."""
        return tuple(file.data for file in self.found.values() if file is not None)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a prompt that does not say otherwise."""

    vision: Vision = field(default_factory=Vision)
    reasoning: bool = True
    system: str | None = None
    """None: the model family's own."""
    text: str | None = None
    """Of a prompt file; None: each prompt has its own."""


def read_defaults(
    keys: Mapping[str, Node], reader: YamlReader, files: PromptFiles, what: str = "", base: Defaults | None = None
) -> Defaults:
    """Read the keys that suites and prompts have in common; what is not said is as in `base`."""
    base, before = base or Defaults(), f"{what}: " if what else ""
    vision, reasoning, system, text = base.vision, base.reasoning, base.system, base.text
    if "vision" in keys:
        vision = read_vision(keys["vision"], reader, f"{before}vision", base.vision)
    if "reasoning" in keys:
        reasoning = reader.boolean(keys["reasoning"], f"{before}reasoning") is not False
    if "prompt_file" in keys and (file := files.read(keys["prompt_file"], f"{before}prompt_file")) is not None:
        system = system if file.system is None else file.system
        text = text if file.text is None else file.text
    if "system" in keys:
        system = _system(keys["system"], reader, f"{before}system")
    return Defaults(vision, reasoning, system, text)


def _system(node: Node, reader: YamlReader, what: str) -> str | None:
    if node.kind is Kind.TEXT and not node.raw.strip():
        return ""
    return reader.text(node, what, key="system", one_line=False)
