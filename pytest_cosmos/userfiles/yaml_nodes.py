"""YAML text -> nodes that know their line and how they were written; nothing in it is executed.

PyYAML's own objects forget both, and both are what a helpful message needs: a bare `yes` has become True.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from pytest_cosmos.userfiles.complaints import Complaints, decode_text, quoted

# The same nodes from C, ten times as fast.
_FastLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Kind(StrEnum):
    """What YAML takes a value for; the words go into messages."""

    TEXT = "text"
    BOOLEAN = "a boolean"
    NUMBER = "a number"
    DATE = "a date"
    NOTHING = "nothing"
    LIST = "a list"
    MAPPING = "a mapping"


_KINDS = {
    "str": Kind.TEXT,
    "bool": Kind.BOOLEAN,
    "int": Kind.NUMBER,
    "float": Kind.NUMBER,
    "timestamp": Kind.DATE,
    "null": Kind.NOTHING,
    "seq": Kind.LIST,
    "map": Kind.MAPPING,
    "value": Kind.TEXT,  # a lone `=`
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a YAML file."""

    line: int
    kind: Kind
    raw: str = ""
    """A scalar as it is written, quotes and escapes resolved."""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()


# What PyYAML says -> what a newcomer most often did to get there.
_HINTS = {
    "chomping or indentation indicators": 'Quote what begins with > or |, e.g. hazard: ">= 3".',
    "mapping values are not allowed": "Quote a text that holds a colon; put a space after the colon of a key.",
    "character '\\t' that cannot start": "Indent with spaces, not with tabs.",
    "that cannot start any token": "Quote what begins with a special character.",
    "expected ',' or": "Look for a bracket that is never closed, or a comma missing.",
    "unexpected end of stream": "Look for a quote that is never closed.",
    "<block end>": "Look at the indentation, and for quotes inside of a quoted text.",
}


class _ForbiddenError(Exception):
    """A construct that these files have no use for."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read_yaml(data: bytes, file: Path, complaints: Complaints) -> Node | None:
    """Parse the one YAML document that a file's bytes hold; None (and a complaint) where they hold none."""
    text = decode_text(data, file, complaints)
    return None if text is None else _parse(text, file, complaints)


def _parse(text: str, file: Path, complaints: Complaints) -> Node | None:
    try:
        root = _compose(text)
        if root is None:
            complaints.add(file, 1, "the file is empty")
            return None
        return _convert(root, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        complaints.add(file, mark.line + 1 if mark else 1, _syntax_message(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        complaints.add(file, line, f"not valid YAML: {error.reason}")
    except _ForbiddenError as error:
        complaints.add(file, error.line, str(error))
    except RecursionError:
        complaints.add(file, 1, "not valid here: values nested too deeply")
    return None


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, _FastLoader)
    except yaml.YAMLError:
        # Fewer words, and other ones, come from C: this raises again, the same with and without it.
        return yaml.compose(text, yaml.SafeLoader)


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    start, end = error.context_mark, error.problem_mark
    since = f" (it begins in line {start.line + 1})" if start and end and start.line != end.line else ""
    hint = next((hint for part, hint in _HINTS.items() if part in said), "")
    return f"not valid YAML: {said}{since}. {hint}".rstrip()


def _convert(node: Any, done: dict[int, Node | None]) -> Node:
    """Turn PyYAML's node into ours; `done` keeps an anchor used many times from being copied as often."""
    if id(node) in done:
        known = done[id(node)]
        if known is None:
            raise _ForbiddenError(node.start_mark.line + 1, "an alias (*) inside of what it stands for has no end")
        return known
    done[id(node)] = None
    converted = done[id(node)] = _convert_new(node, done)
    return converted


def _convert_new(node: Any, done: dict[int, Node | None]) -> Node:
    line = node.start_mark.line + 1
    kind = _KINDS.get(str(node.tag).removeprefix("tag:yaml.org,2002:"))
    if node.tag == "tag:yaml.org,2002:merge":
        raise _ForbiddenError(line, "merging with << is not supported. Write the entries out")
    shape = {Kind.LIST: yaml.SequenceNode, Kind.MAPPING: yaml.MappingNode}.get(kind or Kind.TEXT, yaml.ScalarNode)
    if kind is None or not isinstance(node, shape):
        raise _ForbiddenError(line, f"the YAML tag {quoted(str(node.tag))} is not supported. Remove it")
    if isinstance(node, yaml.SequenceNode):
        return Node(line, kind, items=tuple(_convert(item, done) for item in node.value))
    if isinstance(node, yaml.MappingNode):
        pairs = ((_convert(key, done), _convert(value, done)) for key, value in node.value)
        return Node(line, kind, pairs=tuple(pairs))
    return Node(line, kind, raw=_whole(str(node.value), line))


def _whole(text: str, line: int) -> str:
    """Join characters that JSON writes as two escaped halves; half of one cannot be written to any file."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _ForbiddenError(line, f"{quoted(text)} holds half of a character (a lone surrogate)") from None
