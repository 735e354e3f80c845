"""`pytest-cosmos power`: how many samples a bar, a margin or a difference needs before it can be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pytest_cosmos.cli.printing import harmless, make_console
from pytest_cosmos.errors import OptionError
from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.gate.needs import Need, needs
from pytest_cosmos.measure import METRICS
from pytest_cosmos.measure.power import (
    MOST,
    Design,
    bar_power,
    detectable,
    margin_power,
    mcnemar_power,
    pairs_for_difference,
    pairs_for_margin,
    samples_for_bar,
)
from pytest_cosmos.pipeline import thresholds_of
from pytest_cosmos.runlog import RunFolder, open_run

USE = (
    "Say what is to be shown: --at-least 0.85 --expect 0.90 (or --at-most), --drop 0.02 --discordant 0.1, or a run "
    "folder, whose thresholds are gone through."
)


def command(
    run: Annotated[Path | None, typer.Argument(help="A run folder: what its thresholds need")] = None,
    at_least: Annotated[float | None, typer.Option(help="A bar from below, held with bound: lower")] = None,
    at_most: Annotated[float | None, typer.Option(help="A bar from above, held with bound: upper")] = None,
    expect: Annotated[float | None, typer.Option(help="What the figure really is")] = None,
    drop: Annotated[float | None, typer.Option(help="A margin (max_drop), and a difference to find")] = None,
    discordant: Annotated[float, typer.Option(help="Share of the cases that only one of both models gets right")] = 0.1,
    samples: Annotated[int | None, typer.Option(help="What so many samples can show")] = None,
    confidence: Annotated[float, typer.Option(help="Of the two-sided interval")] = 0.95,
    power: Annotated[float, typer.Option(help="How often what is so shall be shown to be so")] = 0.8,
    cases_per_sample: Annotated[float, typer.Option(help="Prompts per sample")] = 1,
    design_effect: Annotated[
        float | None, typer.Option(help="How many cases are worth one independent case; default: cases per sample")
    ] = None,
    thresholds: Annotated[Path | None, typer.Option(help="Of RUN: another thresholds file")] = None,
    root: Annotated[Path, typer.Option(help="Of RUN: the project, where its thresholds file lies")] = Path(),
) -> None:
    """Say how many samples a threshold, or a drop, needs before it can be shown."""
    _check_between("--confidence", confidence, 0.5, 1)
    _check_between("--power", power, 0, 1)
    _check_countable("--samples", samples)
    _check_countable("--cases-per-sample", cases_per_sample)
    _check_countable("--design-effect", design_effect)
    design = Design(cases_per_sample, cases_per_sample if design_effect is None else design_effect)
    asked = sum(one is not None for one in (run, at_least, at_most, drop))
    if asked != 1:
        raise OptionError(USE if asked == 0 else f"One thing at a time. {USE}")
    if run is not None:
        _print_needs(open_run(run), thresholds, root, power)
        return
    lines = (
        drop_lines(drop, discordant, samples, confidence, power, design)
        if drop is not None
        else bar_lines(at_least, at_most, expect, samples, confidence, power, design)
    )
    for line in (*lines, *_assumption(design, design_effect)):
        typer.echo(line)


def _check_between(option: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise OptionError(f"{option} {value:g}: it must lie above {low:g} and below {high:g}.")


def _check_countable(option: str, value: float | None) -> None:
    if value is not None and not 1 <= value <= MOST:
        raise OptionError(f"{option} {str(value).removesuffix('.0')}: it must be a number from 1 to {MOST:,}.")


def bar_lines(
    at_least: float | None,
    at_most: float | None,
    expect: float | None,
    samples: int | None,
    confidence: float,
    power: float,
    design: Design,
) -> Iterator[str]:
    """Say how many samples a bar needs; OptionError where none would do."""
    option, bar = ("--at-least", at_least) if at_least is not None else ("--at-most", at_most)
    assert bar is not None
    _check_between(option, bar, 0, 1)
    if expect is None:
        raise OptionError(f"{option} {bar:g} needs --expect: what the figure really is, as far as you know.")
    if not 0 <= expect <= 1:
        raise OptionError(f"--expect {expect:g}: a share lies from 0 to 1.")
    turned, value = (bar, expect) if at_least is not None else (1 - bar, 1 - expect)
    if value <= turned:
        side = "above" if at_least is not None else "below"
        raise OptionError(f"--expect {expect:g}: only a figure {side} {bar:g} can be shown to be so.")
    needed = samples_for_bar(turned, value, confidence=confidence, power=power, design=design)
    bound = "lower" if at_least is not None else "upper"
    yield f"{option[2:].replace('-', '_')}: {bar:g}, bound: {bound}, confidence: {confidence:g}"
    yield f"  if the figure is {expect:g}, {_count(needed, design)} show it in at least {power:.0%} of the runs"
    if samples is not None:
        chance = float(bar_power(samples, turned, value, confidence=confidence, design=design)[0])
        yield f"  {samples:,} samples show it in {chance:.1%} of the runs"


def drop_lines(
    margin: float, discordant: float, samples: int | None, confidence: float, power: float, design: Design
) -> Iterator[str]:
    """Say how many samples a margin needs, and a difference as large as it; OptionError where none would do."""
    _check_between("--drop", margin, 0, 1)
    if not margin <= discordant <= 1:
        raise OptionError(
            f"--discordant {discordant:g}: at least {margin:g} of the cases differ where the drop is {margin:g}, "
            "and at most all of them, 1."
        )
    kept = pairs_for_margin(margin, discordant, confidence=confidence, power=power, design=design)
    found = pairs_for_difference(margin, discordant, confidence=confidence, power=power, design=design)
    yield f"max_drop: {margin:g}, confidence: {confidence:g}, where {discordant:.1%} of the cases differ"
    yield f"  if both are equally good, {_count(kept, design)} show that none is worse by {margin:g}"
    yield f"  if one is worse by {margin:g}, {_count(found, design)} find that (McNemar's test, two-sided)"
    yield f"  both in at least {power:.0%} of the runs"
    if samples is not None:
        shown = margin_power(samples, margin, discordant, confidence=confidence, design=design)
        seen = mcnemar_power(samples, margin, discordant, confidence=confidence, design=design)
        least = detectable(samples, discordant, confidence=confidence, power=power, design=design)
        yield f"{samples:,} samples"
        yield f"  show the first in {shown:.1%} of the runs, find the second in {seen:.1%}"
        yield f"  find a difference from {least:.4f} on" if least else "  find no difference at all"


def _count(samples: int | None, design: Design) -> str:
    if samples is None:
        return f"not even {MOST:,} samples"
    cases = f" ({round(samples * design.cases_per_sample):,} cases)" if design.clustered else ""
    return f"{samples:,} samples{cases}"


def _assumption(design: Design, given: float | None) -> Iterator[str]:
    if design.clustered and given is None:
        yield (
            f"Assumed: the {design.cases_per_sample:g} cases of a sample all go the same way (design effect "
            f"{design.effect:g}). `pytest-cosmos power RUN` measures it; --design-effect states it."
        )


def _print_needs(folder: RunFolder, file: Path | None, root: Path, power: float) -> None:
    """Print what the thresholds of a run need; OptionError where it has none."""
    run = folder.read_run()
    bars = _thresholds(folder, file, root)
    if bars is None:
        raise OptionError(f"{folder.path}: it was held against no thresholds. Name a file: --thresholds FILE.")
    found = needs(bars, folder.read_outcomes(), run, folder.read_comparisons(), power)
    if not found:
        raise OptionError(f"{bars.path}: no threshold applies to '{run.model.name}' and the suites of this run.")
    console = make_console()
    console.print(needs_table(found))
    console.print(
        f"\nneed: as many show it in {power:.0%} of the runs, if all stays as measured: a bar with a bound (without "
        "one: as if it had), a margin by its paired interval. have, need: samples; where samples are grouped, groups. "
        "design effect of a share: cases worth one independent case; where nothing differs, all of a sample.",
        style="dim",
        markup=False,
        highlight=False,
    )


def _thresholds(folder: RunFolder, file: Path | None, root: Path) -> Thresholds | None:
    """Read the file named, or the copy that the run keeps, or else the project's."""
    if file is not None:
        return read_thresholds(file)
    return read_thresholds(folder.thresholds) if folder.thresholds.is_file() else thresholds_of(folder.read_run(), root)


def needs_table(found: tuple[Need, ...]) -> Table:
    """Lay out what each threshold has and needs."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("threshold", overflow="fold")
    for name in ("found", "have", "cases", "design effect", "need"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in found:
        table.add_row(
            harmless(f"{one.threshold.suite} {one.threshold.key} {demand(one)}"),
            "–" if one.value is None else f"{one.value:.3f}",
            f"{one.have:,}",
            f"{one.cases:,}" if one.cases else "–",
            # Of what is no share it would be relative to a share of that value: of use in computing, not in reading.
            f"{one.design.effect:.2f}" if METRICS[one.threshold.metric].proportion else "–",
            "–" if one.need is None else f"{one.need:,}",
            harmless(_verdict(one)),
        )
    return table


def demand(need: Need) -> str:
    """Write what a threshold demands, as its file does."""
    bars = ("at_least", "at_most", "max_drop", "max_rise")
    given = [(name, getattr(need.threshold, name)) for name in bars]
    told = [f"{name} {value:g}" for name, value in given if value is not None]
    bound = [] if need.threshold.bound == "point" else [f"bound {need.threshold.bound}"]
    return ", ".join([*told, *bound])


def _verdict(need: Need) -> str:
    if need.need is None:
        return need.note
    word = "enough" if need.need <= need.have else "too few"
    return f"{word}; {need.note}" if need.note else word
