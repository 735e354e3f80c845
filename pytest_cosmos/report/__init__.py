"""What a run came to, for people: text for a terminal, one HTML page.

`terminal.summary_lines` yields lines, `html.write_html` writes the page; both render the records they are given
and compute nothing that `measure` or `gate` should. `build` makes the page's view model (`view`).
"""

from __future__ import annotations

from pytest_cosmos.report.changes import BeforeAfter
from pytest_cosmos.report.html import write_html
from pytest_cosmos.report.terminal import Line, summary_lines

__all__ = ["BeforeAfter", "Line", "summary_lines", "write_html"]
