"""Take values out of YAML nodes; whatever has not the form asked for is a complaint with file and line."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_cosmos.errors import suggest
from pytest_cosmos.userfiles.complaints import Complaints, control_character, quoted
from pytest_cosmos.userfiles.yaml_nodes import Kind, Node


@dataclass(frozen=True, slots=True)
class YamlReader:
    """Reads the values of one file. `what` names a value in messages, e.g. `prompt 'severity': text`."""

    file: Path
    complaints: Complaints

    def complain(self, node: Node, text: str) -> None:
        """Note a mistake at the node's line."""
        self.complaints.add(self.file, node.line, text)

    def text(self, node: Node, what: str, *, key: str = "", one_line: bool = True) -> str | None:
        """Read a text that is not empty. `key` is what stands before it, for the line to write instead."""
        if node.kind is not Kind.TEXT:
            self.complain(node, f"{what} is {_described(node)}, but must be text.{_remedy(node, key)}")
        elif not node.raw.strip():
            self.complain(node, f"{what} is empty")
        elif one_line and (character := control_character(node.raw.strip())):
            self.complain(node, f"{what} holds the control character {character!r}. Write it on one line")
        else:
            return node.raw.strip()
        return None

    def texts(self, node: Node, what: str) -> tuple[str, ...]:
        """Read a list of different texts; what is wrong with some of them does not hide the others."""
        if node.kind is not Kind.LIST or not node.items:
            self.complain(node, f"{what} is {_described(node)}, but must be a list such as [one, two]")
            return ()
        found: dict[str, str] = {}
        for item in node.items:
            text = self.text(item, f"{what}: an entry")
            if text is not None and text.casefold() in found:
                self.complain(item, f"{what}: {quoted(text)} is there twice. Remove one")
            elif text is not None:
                found[text.casefold()] = text
        return tuple(found.values())

    def mapping(self, node: Node, what: str, form: str) -> dict[str, Node]:
        """Read a mapping, not empty, with texts as keys, none of them twice. `form` shows what it should look like.

        The values carry their key's line: that is where a person looks.
        """
        if node.kind is not Kind.MAPPING or not node.pairs:
            self.complain(node, f"{what} is {_described(node)}, but must be a mapping such as {form}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.pairs:
            name = self.text(key, f"{what}: a key")
            if name is not None and name in found:
                self.complain(key, f"{what}: {quoted(name)} is already given in line {found[name].line}. Remove one")
            elif name is not None:
                found[name] = replace(value, line=key.line)
        return found

    def known(self, found: Mapping[str, Node], allowed: Collection[str], what: str, rest: str = "") -> None:
        """Complain of every key that nothing is known of."""
        for name, node in found.items():
            if name not in allowed:
                hint = suggest(name, tuple(allowed)) or rest
                self.complain(node, f"{what}: unknown key {quoted(name)}. Allowed: {', '.join(allowed)}.{hint}")

    def integer(self, node: Node, what: str, *, least: int | None = None) -> int | None:
        """Read a whole number, of at least `least`."""
        digits = node.raw.removeprefix("-")
        written = node.kind is Kind.NUMBER and digits.isascii() and digits.isdigit() and len(digits) < 10
        if written and (least is None or int(node.raw) >= least):
            return int(node.raw)
        limit = "" if least is None else f" of at least {least}"
        self.complain(node, f"{what} is {_described(node)}, but must be a whole number{limit}")
        return None

    def number(self, node: Node, what: str) -> float | None:
        """Read a finite number."""
        with suppress(ValueError):  # what only YAML takes for a number: .nan, 0x1F, 1:30
            value = float(node.raw)
            if node.kind is Kind.NUMBER and math.isfinite(value):
                return value + 0.0  # -0.0 becomes 0.0
        self.complain(node, f"{what} is {_described(node)}, but must be a number without quotes, such as 0.85")
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        """Read true or false."""
        if node.kind is Kind.BOOLEAN:
            return node.raw.lower() in ("true", "yes", "on")
        self.complain(node, f"{what} is {_described(node)}, but must be true or false")
        return None


def _described(node: Node) -> str:
    if node.kind in (Kind.LIST, Kind.MAPPING):
        return node.kind if node.items or node.pairs else "empty"
    return node.kind if node.kind is Kind.NOTHING else f"{_value(node)} ({node.kind})"


def _value(node: Node) -> str:
    return quoted(node.raw) if node.kind is Kind.TEXT else node.raw[:80]


def _remedy(node: Node, key: str) -> str:
    written = f'{key}: "{node.raw}"' if key else f'"{node.raw}"'
    match node.kind:
        case Kind.BOOLEAN:
            return f" YAML reads a bare {node.raw} as a boolean. Write: {written}"
        case Kind.NUMBER | Kind.DATE:
            return f" Quote it. Write: {written}"
        case _:
            return ""
