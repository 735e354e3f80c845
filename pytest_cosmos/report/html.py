"""One self-contained HTML page: no request leaves it, and nothing a model said can run in it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from pytest_cosmos.records import Check, Outcome, Run, Summary
from pytest_cosmos.report.build import build_view
from pytest_cosmos.report.changes import BeforeAfter
from pytest_cosmos.report.text import visible
from pytest_cosmos.report.view import CaseRow, ReportView

TEMPLATES = Path(__file__).parent / "templates"


def write_html(
    path: Path,
    run: Run,
    summary: Summary,
    checks: Sequence[Check],
    outcomes: Sequence[Outcome],
    thumbnails: Mapping[str, bytes],
    changes: Sequence[BeforeAfter] = (),
) -> Path:
    """Write the report of a run to `path`, whole or not at all; return `path`.

    `thumbnails` maps `Sample.media_hash` to JPEG bytes; a missing one shows as a placeholder.
    """
    page = render_html(build_view(run, summary, checks, outcomes, changes), thumbnails)
    _write_whole(path, page.encode("utf-8"))
    return path


def render_html(view: ReportView, thumbnails: Mapping[str, bytes]) -> str:
    """Render the page. Only its own style and script may act: the policy in it names them by their hashes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _inline("report.css"), _inline("report.js")
    pictures = {key: _data_uri(jpeg) for key, jpeg in thumbnails.items()}
    return environment.get_template("report.html.j2").render(
        view=view,
        style=style,
        script=script,
        policy=_policy(style, script),
        pictures=pictures,
        cases=_json({"columns": CaseRow._fields, "rows": view.cases}),
        picture_data=_json(pictures),
    )


def _harmless(value: Any) -> Any:
    """Spell out control characters in whatever a template writes that is not already markup."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _inline(name: str) -> Markup:
    # files of this package, not of the user: the only markup that is trusted
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def _json(value: Any) -> Markup:
    """Write JSON that can stand in a script element: `<`, `>`, `&` and `'` are written as escapes."""
    return htmlsafe_json_dumps(value, separators=(",", ":"), allow_nan=False)


def _policy(style: str, script: str) -> str:
    """Return a content security policy that lets nothing in but this style, this script and data: images."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename: a reader never sees half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
