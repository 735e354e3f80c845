"""Names in thresholds.yaml that nothing has: suites, slices and waived cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_cosmos.gate.entries import allowed
from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.records import Threshold, Waiver
from pytest_cosmos.userfiles import escape_controls

Slices = Mapping[str, frozenset[str]]
"""Slice key -> the values that cases of a suite have."""

MustPass = Mapping[str, bool]
"""Key of a case -> whether it must pass."""


def name_problems(
    thresholds: Thresholds, known: Mapping[str, Slices | None], cases: Mapping[str, MustPass] | None = None
) -> tuple[str, ...]:
    """Return a line for each suite, slice key, slice value and waived case that does not exist.

    `known` holds every suite that exists; None for one that this run does not look into. `cases` has the cases of
    those that it does.
    """
    named = (*thresholds.release, *(threshold for _, threshold in thresholds.guards), *thresholds.regression)
    return (
        *(f"{t.where}: {problem}" for t in named for problem in _unknown_names(t, known)),
        *(f"{w.where}: {problem}" for w in thresholds.waivers for problem in _unknown_case(w, known, cases or {})),
    )


def _unknown_names(threshold: Threshold, known: Mapping[str, Slices | None]) -> Iterator[str]:
    if threshold.suite not in known:
        yield f"suite '{threshold.suite}' does not exist. {allowed('Suites', threshold.suite, known)}"
        return
    columns = known[threshold.suite]
    if columns is None:
        return
    for key, value in threshold.slice.items():
        if key not in columns:
            yield f"'{threshold.key}': no case has a '{key}'. {allowed('Slice by', key, columns)}"
        elif value not in columns[key]:
            values = sorted(map(escape_controls, columns[key]))
            yield f"'{threshold.key}': no case has {key}={value}. {allowed('Values', value, values)}"


def _unknown_case(waiver: Waiver, known: Mapping[str, Slices | None], cases: Mapping[str, MustPass]) -> Iterator[str]:
    suite = waiver.case.partition("/")[0]
    if suite not in known:
        yield f"waivers: suite '{suite}' does not exist. {allowed('Suites', suite, known)}"
    elif suite not in cases:
        return
    elif waiver.case not in cases[suite]:
        must_pass = sorted(case for case, must in cases[suite].items() if must)
        told = allowed("Cases", waiver.case, must_pass or sorted(cases[suite]))
        yield f"waivers: there is no case '{waiver.case}'. {told}"
    elif not cases[suite][waiver.case]:
        yield (
            f"waivers: '{waiver.case}' is not a must_pass sample, so it may be wrong without a waiver. "
            "Remove it, or mark the sample must_pass."
        )
