"""What a workflow has done: state.json, each step with what was asked of it and what its output holds.

A step is skipped only where it was asked the same before and its output is still what it was, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, StrictStr, ValidationError

from pytest_cosmos.records import SCHEMA_VERSION, Record
from pytest_cosmos.runlog import write_whole

FILE = "state.json"

StepName = Literal["baseline", "adapter", "candidate"]


class Step(Record):
    """A step that was done."""

    asked: StrictStr
    """Digest of all that decides its output: suite, model, settings, the outputs it builds on."""
    output: StrictStr
    """The folder that it wrote."""
    digest: StrictStr
    """Of that folder's content."""


class State(Record):
    """All steps done so far."""

    schema_version: int = SCHEMA_VERSION
    steps: dict[StepName, Step] = Field(default_factory=dict)

    def done(self, name: StepName, asked: str) -> Path | None:
        """Return the output of a step that need not be done again."""
        step = self.steps.get(name)
        if step is None or step.asked != asked:
            return None
        output = Path(step.output)
        return output if digest_of(name, output) == step.digest else None


def read_state(folder: Path) -> State:
    """Read state.json; one that is not there or not one says that nothing was done: then all is done again."""
    try:
        found = State.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return State()
    return found if found.schema_version == SCHEMA_VERSION else State()


def with_step(folder: Path, state: State, name: StepName, asked: str, output: Path) -> State:
    """Write down that a step is done."""
    step = Step(asked=asked, output=str(output), digest=digest_of(name, output))
    state = state.model_copy(update={"steps": {**state.steps, name: step}})
    write_whole(folder / FILE, state.model_dump_json(indent=1).encode() + b"\n")
    return state


def digest_of(name: StepName, output: Path) -> str:
    """Return the digest of a step's output: of an adapter its weights, of a run its outcomes; empty: not there.

    Cards and reports may be written anew later, so they do not count.
    """
    if name == "adapter":
        files = [output / "adapter_config.json", *sorted(output.glob("*.safetensors"))]
    else:
        files = [output / "outcomes.jsonl"]
    return digest_of_files(output, files) if len(files) > (name == "adapter") and all(map(Path.is_file, files)) else ""


def digest_of_folder(folder: Path) -> str:
    """Return the digest of every file in a folder."""
    return digest_of_files(folder, sorted(path for path in folder.rglob("*") if path.is_file()))


def digest_of_files(folder: Path, files: Iterable[Path]) -> str:
    """Return one digest of the names and the bytes of files."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        found.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return found.hexdigest()


def digest_of_texts(*texts: str) -> str:
    """Return the digest of some texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
