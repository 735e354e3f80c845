"""Text for people: hostile model text made harmless, and numbers written the same way everywhere."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Literal

from rich.cells import cell_len, set_cell_size

from pytest_cosmos.records import Metric

NO_DATA = "–"
"""What stands where there is no figure; never 0."""

LONGEST = 50_000
"""Characters of hostile text that are kept: a page of many such texts must still open."""

Unit = Literal["share", "seconds", "number", "score"]

_NUMBERS = frozenset(
    (
        "mean_absolute_error",
        "cases_per_second",
        "tokens_per_second",
        "missed_hazards",
        "false_alarms",
        "cases",
        "expected_cost",
    )
)
_SCORES = frozenset(("brier", "auroc"))


def unit(metric: str) -> Unit:
    """Tell how a metric of that name is written: as a percentage, as seconds, as it is, or so with three digits."""
    if metric in _SCORES:
        return "score"
    if metric in _NUMBERS:
        return "number"
    return "seconds" if metric.startswith("latency") else "share"


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with every control, format and bidirectional character spelled out, `\x1b` for instance.

    What a model says may hold ANSI escapes or a right-to-left override, which would rewrite the reader's
    screen. `keep` names the ones to let through, for example a newline.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() or unicodedata.category(c) == "Zs" else _spell(c) for c in text)


def _spell(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def paragraph(text: str, limit: int = LONGEST) -> str:
    """Return hostile text of several lines, harmless and at most `limit` characters long."""
    rest = len(text) - limit
    shown = visible(text[:limit].replace("\r\n", "\n"), keep="\n\t")
    return f"{shown}\n… ({rest:,} more characters: see outcomes.jsonl)" if rest > 0 else shown


def one_line(text: str, width: int) -> str:
    """Return hostile text harmless, its white space folded, cut to `width` terminal cells."""
    # a cell takes a character at least, and combining marks take none: hence the generous first cut
    folded = visible(" ".join(text[: width * 8].split()))
    if cell_len(folded) <= width and len(text) <= width * 8:
        return folded
    return set_cell_size(folded, max(width - 1, 0)).rstrip() + "…"


def number(value: float | None, digits: int = 2) -> str:
    """Write a plain number with `digits` places, or the sign for no data."""
    return NO_DATA if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as per cent without the sign: 0.782 as 78.2."""
    return number(None if value is None else 100 * value, digits)


def ratio(value: float | None, digits: int = 3) -> str:
    """Write how many times as much something is: `×1.042`."""
    return NO_DATA if value is None else f"×{value:.{digits}f}"


def seconds(value: float | None) -> str:
    """Write a duration with three significant digits, minutes from two minutes on: `0.034`, `7.25`, `3:05`."""
    if value is None:
        return NO_DATA
    if value >= 120:
        return f"{int(value) // 60}:{int(value) % 60:02d}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def duration(value: float) -> str:
    """Write how long a phase took: `0.4 s`, `3:05 min`."""
    return f"{seconds(value)} min" if value >= 120 else f"{value:.1f} s"


def bare(name: str, value: float | None) -> str:
    """Write a metric's value without its unit, as in a column of a table: a share in per cent."""
    match unit(name):
        case "share":
            return percent(value)
        case "seconds":
            return seconds(value)
        case "number":
            return number(value)
        case "score":
            return number(value, 3)


def quantity(name: str, value: float | None, digits: int = 1) -> str:
    """Write a metric's value with its unit."""
    if value is None:
        return NO_DATA
    match unit(name):
        case "share":
            return f"{percent(value, digits)} %"
        case "seconds":
            return f"{value:.{max(digits, 3)}f} s" if value < 1 else f"{value:.{max(digits, 2)}f} s"
        case "number":
            return f"{value:.{max(digits, 2)}f}".rstrip("0").rstrip(".")
        case "score":
            return f"{value:.{max(digits, 3)}f}"


def against(name: str, value: float | None, bars: tuple[float, ...]) -> str:
    """Write a metric's value with as many digits as it takes to tell it from its bars.

    A value of 0.8996 under a bar of 0.90 would else read "90.0 %, not met".
    """
    written = quantity(name, value)
    for digits in range(1, 8):
        written = quantity(name, value, digits)
        if all(value == bar or written != quantity(name, bar, digits) for bar in bars):
            return written
    return written


def interval(metric: Metric | None, dash: str = "–") -> str:
    """Write the interval of a figure, of a share in per cent: `75.1–81.0`; empty where there is none."""
    if metric is None or metric.low is None or metric.high is None:
        return ""
    return f"{bare(metric.name, metric.low)}{dash}{bare(metric.name, metric.high)}"


def images(samples: int, clusters: int) -> str:
    """Write how many images some cases are of, and in how many independent groups these come, where that is fewer."""
    groups = f" in {plural(clusters, 'group')}" if clusters < samples else ""
    return plural(samples, "image") + groups


def bar(name: str, at_least: float | None, at_most: float | None) -> str:
    """Write a bar in the unit of its metric: `>= 85 %`."""
    parts = [(sign, value) for sign, value in ((">=", at_least), ("<=", at_most)) if value is not None]
    return " and ".join(f"{sign} {_trimmed(name, value)}" for sign, value in parts)


def _trimmed(name: str, value: float) -> str:
    match unit(name):
        case "share":
            return f"{100 * value:g} %"
        case "seconds":
            return f"{value:g} s"
        case "number" | "score":
            return f"{value:g}"


def when(timestamp: str) -> str:
    """Write an ISO 8601 time as `21 November 2026, 23:04 UTC`; text that is none is returned as it is."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return visible(timestamp)
    zone = moment.tzname() or ""
    return f"{moment.day} {moment:%B %Y, %H:%M} {zone}".rstrip()


def size(count: float) -> str:
    """Write a number of bytes in the units in which disks and memory are sold: `15 MB`, `4.9 GB`, `80 GB`."""
    for name in ("bytes", "kB", "MB"):
        if round(count) < 1000:
            return f"{count:.0f} {name}"
        count /= 1000
    return f"{count:.1f} GB" if count < 9.95 else f"{count:.0f} GB"


def plural(count: int, word: str, words: str = "") -> str:
    """Write a count with its noun: `1 case`, `1,200 cases`."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"
