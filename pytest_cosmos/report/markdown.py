"""Hostile text in Markdown: it stays text, in CommonMark and GitHub's dialect of it."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from pytest_cosmos.report.text import visible

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# what begins code, emphasis, a link, a table's cell or a formula; the colon and the dot of an address; the @ of a name
_MARKS = re.compile(r"[\\`*_\[\]#|~$:@.]")
_HARMLESS = re.compile(
    r"(?<=[^\W_])_(?=[^\W_])"  # floor_cracks
    r"|(?<=[0-9])\.(?=[0-9])|[.:](?=\s|$)"  # 0.85, the end of a sentence
    r"|(?<=\s)\[(?=[-+0-9])|(?<=[0-9])\](?![\[(])"  # an interval
)


def markdown(value: Any) -> Any:
    """Escape text to stand within a line of Markdown, in a table's cell too; what is no text is left as it is.

    At the start of a line it could still be taken for an item of a list: put a word of your own before it.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    line = visible(" ".join(value.split()))
    kept = {match.start() for match in _HARMLESS.finditer(line)}
    escaped = _MARKS.sub(lambda match: match[0] if match.start() in kept else f"\\{match[0]}", line)
    return re.sub("[&<>]", lambda match: _HTML[match[0]], escaped)
