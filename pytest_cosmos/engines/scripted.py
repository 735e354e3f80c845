"""A fake engine that replies from a file: for tests, demos and dry runs without a model.

The file is YAML (or JSON), a mapping from case to what is said; the first pattern that matches a case's
key `suite/sample-prompt` wins, so put the particular before the general::

    floor_cracks/floor-0001-binary_safety: "Yes"
    "*-severity": {raw: "<think>No crack.</think>1", confidence: 0.9}
    "*-traversal": {error: "connection reset"}
    "*-material": {raw: "<think>It may be wo", cut_off: true}
    "floor_cracks/floor-0400-*": {crash: "the device fell off"}
    "*-odour": {raw: "Yes", repeats: ["Yes", "No", {error: reset}], alone: "No"}
    "*": {expected: true, seconds: 0.01}

`expected: true` says the expected answer, `raw` says its text as a model would, a bare text is short for `raw`;
`cut_off: true` ends it as at the token limit. `error` gives no reply to this case, `crash` none to it and all after it.
`seconds` is how long the case takes. Of `repeats` the first is said at the first repeat (`--cosmos-repeats`), and so
on, the first again after the last; `alone` is said where the batch size is 1.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_cosmos.engines.latency import time_answer
from pytest_cosmos.prompting import FAMILIES, split_reply, user_text
from pytest_cosmos.records import Case, Measure, ModelRecord, Reply, Timing
from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, quoted, read_file, read_yaml

FAMILY = FAMILIES["reason2"]
_KEYS = ("raw", "expected", "error", "crash", "cut_off", "confidence", "seconds", "repeats", "alone")
_NESTED = _KEYS[:-2]
_SAYING = ("raw", "expected: true", "error", "crash")


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """What the script says to the cases that match its pattern: one of `raw`, `expected`, `error`, `crash`."""

    raw: str | None = None
    expected: bool = False
    error: str = ""
    crash: str = ""
    """Why the whole engine ends here."""
    cut_off: bool = False
    confidence: float | None = None
    seconds: float = 0.0
    repeats: tuple[ScriptedReply, ...] = ()
    """What it says at each repeat; none: the same as ever."""
    alone: ScriptedReply | None = None
    """What it says to a case that is asked alone."""


class ScriptedEngine:
    """Answers cases from a file of replies."""

    def __init__(self, path: Path, *, repeat: int = 0, alone: bool = False) -> None:
        self._path = path
        self._repeat = repeat
        self._alone = alone
        self._script: dict[str, ScriptedReply] = {}
        self._closed = threading.Event()
        self.seconds: dict[str, float] = {}

    def load(self) -> None:
        """Read the script; Problems where it is not one."""
        self._closed.clear()
        self._script = read_script(self._path)

    def describe(self) -> ModelRecord:
        """Say what answers."""
        return ModelRecord(name="scripted", engine="scripted", family=FAMILY.name)

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Reply to the cases one by one, each taking the seconds its script says."""
        for number, case in enumerate(cases):
            line = next((line for pattern, line in self._script.items() if fnmatchcase(case.key, pattern)), None)
            if line is None:
                line = ScriptedReply(error=f"{self._path} has no reply for {case.key}")
            line = self._as_asked(line)
            if self._closed.wait(line.seconds):
                return
            if line.crash:
                raise RuntimeError(line.crash)
            yield scripted_reply(case, line, batch=number)

    def time(self, measure: Measure, case: Case | None) -> Timing:
        """Take the time of a reply: the seconds that its script says, as they pass."""
        assert case is not None
        return time_answer(self, case)

    def close(self) -> None:
        """Stop in the midst of a wait."""
        self._closed.set()

    def _as_asked(self, line: ScriptedReply) -> ScriptedReply:
        """Choose by how the case is asked."""
        if self._repeat and line.repeats:
            return line.repeats[(self._repeat - 1) % len(line.repeats)]
        return line.alone if self._alone and line.alone is not None else line


def scripted_reply(case: Case, line: ScriptedReply, *, batch: int) -> Reply:
    """Make the reply to one case from the script's line for it."""
    raw = case.expected if line.expected else line.raw or ""
    spoken = split_reply(FAMILY, raw, asked_reasoning=case.prompt.reasoning)
    return Reply(
        case_key=case.key,
        raw=raw,
        reasoning=spoken.reasoning,
        answer=spoken.answer,
        finish="error" if line.error else "length" if line.cut_off else "stop",
        error=line.error,
        confidence=line.confidence,
        prompt_text=user_text(FAMILY, case.prompt),
        timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=line.seconds,
        batch_seconds=line.seconds,
        batch=batch,
        batch_size=1,
    )


def read_script(path: Path) -> dict[str, ScriptedReply]:
    """Read a file of replies; Problems lists all that is wrong in it."""
    complaints = Complaints()
    root, reader = read_yaml(read_file(path), path, complaints), YamlReader(path, complaints)
    entries = {} if root is None else reader.mapping(root, "the script", '{"*": {expected: true}}')
    script = {pattern: _read_reply(pattern, node, reader) for pattern, node in entries.items()}
    complaints.raise_any()
    return script


def _read_reply(pattern: str, node: Node, reader: YamlReader) -> ScriptedReply:
    what = f"the reply for {quoted(pattern)}"
    if node.kind is not Kind.MAPPING:
        return ScriptedReply(raw=_said(node, what, f'"{pattern}"', reader))
    keys = reader.mapping(node, what, "{expected: true}")
    reader.known(keys, _KEYS, what)
    repeats, alone = keys.get("repeats"), keys.get("alone")
    said = [_read_plain(item, f"{what}: repeats", "repeats", reader) for item in (repeats.items if repeats else ())]
    if repeats and not said:
        reader.complain(repeats, f'{what}: repeats must be a list of what is said: repeats: ["Yes", "No"]')
    return replace(
        _read_mapping(node, keys, what, reader),
        repeats=tuple(said),
        alone=_read_plain(alone, f"{what}: alone", "alone", reader) if alone else None,
    )


def _read_plain(node: Node, what: str, key: str, reader: YamlReader) -> ScriptedReply:
    """Read what is said at one of the repeats, or alone."""
    if node.kind is not Kind.MAPPING:
        return ScriptedReply(raw=_said(node, what, key, reader))
    keys = reader.mapping(node, what, "{expected: true}")
    reader.known(keys, _NESTED, what)
    return _read_mapping(node, keys, what, reader)


def _read_mapping(node: Node, keys: Mapping[str, Node], what: str, reader: YamlReader) -> ScriptedReply:
    raw, expected, error, crash, cut_off, confidence, seconds = (keys.get(key) for key in _NESTED)
    reply = ScriptedReply(
        raw=_said(raw, f"{what}: raw", "raw", reader) if raw else None,
        expected=reader.boolean(expected, f"{what}: expected") is True if expected else False,
        error=reader.text(error, f"{what}: error", key="error", one_line=False) or "" if error else "",
        crash=reader.text(crash, f"{what}: crash", key="crash", one_line=False) or "" if crash else "",
        cut_off=reader.boolean(cut_off, f"{what}: cut_off") is True if cut_off else False,
        confidence=reader.number(confidence, f"{what}: confidence") if confidence else None,
        seconds=reader.number(seconds, f"{what}: seconds") or 0.0 if seconds else 0.0,
    )
    if sum((raw is not None, reply.expected, error is not None, crash is not None)) != 1:
        reader.complain(node, f"{what} needs exactly one of {', '.join(_SAYING)}")
    if seconds and reply.seconds < 0:
        reader.complain(seconds, f"{what}: seconds is {reply.seconds:g}, but must be 0 or more")
    return reply


def _said(node: Node, what: str, key: str, reader: YamlReader) -> str | None:
    """Read what a model says, to the letter: it may be blank, or nothing at all."""
    return node.raw if node.kind is Kind.TEXT else reader.text(node, what, key=key)
