"""Reading what users write by hand: YAML whose values know their line, and every mistake collected."""

from __future__ import annotations

from pytest_cosmos.userfiles.complaints import (
    Complaints,
    control_character,
    decode_text,
    escape_controls,
    quoted,
    read_file,
    shown,
)
from pytest_cosmos.userfiles.yaml_nodes import Kind, Node, read_yaml
from pytest_cosmos.userfiles.yaml_reader import YamlReader

__all__ = [
    "Complaints",
    "Kind",
    "Node",
    "YamlReader",
    "control_character",
    "decode_text",
    "escape_controls",
    "quoted",
    "read_file",
    "read_yaml",
    "shown",
]
