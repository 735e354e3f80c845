"""`pytest-cosmos check-cases [PATH]`: find every mistake in the label files and media, without pytest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos.errors import Problems
from pytest_cosmos.media import VideoFacts
from pytest_cosmos.suites import MANIFEST, SPLITS, Suite, find_suites, read_suite

USER_ERROR = 4
DEFAULT_PATH = Path("cases")


def command(
    path: Annotated[Path | None, typer.Argument(help="A suite's folder, or a folder of suites; default: cases")] = None,
) -> None:
    """Check suites: label files, prompts and every image and video of every split; exit 4 if anything is wrong."""
    raise typer.Exit(check_cases(path))


def check_cases(path: Path | None = None) -> int:
    """Print what the suites hold, and all problems of all of them; return the exit code."""
    folder = DEFAULT_PATH if path is None else path
    # A folder without suites is read as a suite, too: what it lacks is then said as for any other.
    alone = (folder / MANIFEST).is_file() or not find_suites(folder)
    folders = [folder] if alone else find_suites(folder).values()
    problems: list[str] = []
    for suite_folder in folders:
        try:
            suite = read_suite(suite_folder, split=None, thorough=True)
        except Problems as found:
            problems += found.lines
        else:
            typer.echo("\n".join(suite_lines(suite)))
    for line in problems:
        typer.echo(line, err=True)
    if problems:
        typer.echo(f"{_counted(len(problems), 'problem')} found.", err=True)
    return USER_ERROR if problems else 0


def suite_lines(suite: Suite) -> Iterator[str]:
    """Describe a suite in a few lines: its test split, or the first that has cases."""
    split = next((split for split in SPLITS if suite.cases(split)), SPLITS[0])
    own = [sample for sample in suite.samples if sample.split == split]
    blank = suite.blank(split)
    yield f"{suite.name}: {suite.title}"
    yield f"  samples  {_tally(sample.split for sample in suite.samples)}"
    if split != SPLITS[0]:
        yield f"  no cases in the {SPLITS[0]} split: pytest asks nothing of this suite. Of {split}:"
    yield f"  cases    {_tally(case.prompt.name for case in suite.cases(split))}; {blank} blank"
    yield f"  labels   {_tally(sample.label for sample in own)}"
    if any(sample.category for sample in own):
        yield f"  category {_tally(sample.category or '(none)' for sample in own)}"
    if suite.videos:
        yield f"  videos   {_videos(suite.videos.values())}"
    yield f"  sources  {_tally(sample.source or '(not stated)' for sample in own)}"


def _videos(facts: Collection[VideoFacts]) -> str:
    """Describe videos: how many, their frames and seconds from the shortest to the longest."""
    seconds = [video.seconds for video in facts if video.seconds is not None]
    timed = f", {_span(seconds, '.1f')} s" if seconds else ""
    return f"{len(facts):,}; {_span([video.frames for video in facts], ',')} frames{timed}"


def _span(numbers: Sequence[float], form: str) -> str:
    low, high = format(min(numbers), form), format(max(numbers), form)
    return low if low == high else f"{low}–{high}"


def _tally(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in Counter(words).most_common())


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
