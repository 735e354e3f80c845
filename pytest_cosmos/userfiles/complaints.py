"""Collect the mistakes in a user's files, so that all of them are told at once, each with file and line."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_cosmos.errors import Problems

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Complaints:
    """The mistakes found so far, as `file:line: what is wrong`."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, file: Path, line: int, text: str) -> None:
        """Note a mistake; the same one twice is one."""
        self._found[shown(file), line, escape_controls(text)] = None

    def lines(self) -> tuple[str, ...]:
        """Return the messages: file by file in the order in which they were met, then by line."""
        files = list(dict.fromkeys(file for file, _, _ in self._found))
        ordered = sorted(self._found, key=lambda found: (files.index(found[0]), found[1]))
        return tuple(f"{file}:{line}: {text}" for file, line, text in ordered)

    def raise_any(self) -> None:
        """Raise Problems if anything was found."""
        if self:
            raise Problems(self.lines())


def shown(path: Path) -> str:
    """Write a path for a message: relative to the current folder where it lies inside, else as given."""
    here = Path.cwd()
    inside = path.is_absolute() and path.is_relative_to(here)
    return escape_controls(str(path.relative_to(here) if inside else path))


def quoted(value: str) -> str:
    """Write a value from a user's file for a message: quoted, on one line, not too long."""
    return repr(value if len(value) <= 80 else value[:77] + "...")


def escape_controls(text: str) -> str:
    """Replace control characters, which forge lines and trick terminals, by their escapes."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def control_character(text: str) -> str | None:
    """Return the first control character (a line break counts), which no name or path may hold."""
    match = _CONTROL.search(text)
    return match[0] if match else None


def read_file(file: Path) -> bytes:
    """Read a file that must be there; Problems where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Problems([f"{shown(file)}:1: the file cannot be read: {error.strerror}"]) from None


def decode_text(data: bytes, file: Path, complaints: Complaints) -> str | None:
    """Decode UTF-8, with or without byte order mark; None (and a complaint) for anything else."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        encoding = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte 0x{data[error.start]:02x}"
        complaints.add(file, line, f"not UTF-8 text ({encoding}). Save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')")
        return None
    if not text.strip():
        complaints.add(file, 1, "the file is empty")
        return None
    return text
