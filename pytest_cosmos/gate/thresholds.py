"""thresholds.yaml -> Thresholds: every mistake at once, each with its line.

version: 1
not_for_release: [tiny]                              # models, names or globs
release:
  floor_cracks:                                      # suite
    accuracy: {at_least: 0.85, min_cases: 900}       # metric: bars
    recall[category=hazard]: {at_least: 0.90}        # metric of a slice
guards:
  tiny:                                              # model, a name or glob
    floor_cracks:
      accuracy: {at_least: 0.65}
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pytest_cosmos.errors import suggest
from pytest_cosmos.measure import METRICS, MetricKind
from pytest_cosmos.records import Threshold
from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, quoted, read_file, read_yaml, shown

VERSION = 1
_BARS = "{at_least: 0.85}"
_METRICS = f"{{accuracy: {_BARS}}}"
_SUITES = f"{{floor_cracks: {_METRICS}}}"
_EXAMPLE = f"release: {_SUITES}"
_SECTIONS = ("version", "not_for_release", "release", "guards")
_BAR_KEYS = ("at_least", "at_most", "min_cases")
_SPELLING = re.compile(r"(?P<metric>[^\[\]]+)(?:\[(?P<slice>[^\[\]]*)\])?")
_REVISION = re.compile(r"@[^/\\]*$")
_LISTED = 12
_Kind = Literal["release", "guard"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What thresholds.yaml demands."""

    release: tuple[Threshold, ...] = ()
    """What a model must reach to be released."""
    guards: tuple[tuple[str, Threshold], ...] = ()
    """What a model must not fall below, each with the pattern of the models' names."""
    not_for_release: tuple[str, ...] = ()
    """Patterns of the models for which release targets are shown without blocking."""
    path: str = ""
    digest: str = ""
    """SHA-256 over the file."""

    def guards_for(self, model: str) -> tuple[Threshold, ...]:
        """Return the guards that hold for this model."""
        return tuple(threshold for pattern, threshold in self.guards if matches(model, pattern))

    def may_release(self, model: str) -> bool:
        """Tell whether this model is one to release, so that release targets block."""
        return not any(matches(model, pattern) for pattern in self.not_for_release)

    def suites_for(self, model: str) -> tuple[str, ...]:
        """Return the suites this model must answer for: those of `release` and of its guards."""
        return tuple(dict.fromkeys(t.suite for t in (*self.release, *self.guards_for(model))))


def matches(model: str, pattern: str) -> bool:
    """Tell whether a model's name, with or without its `@revision`, is or matches `pattern`; case counts."""
    return any(name == pattern or fnmatchcase(name, pattern) for name in (model, _REVISION.sub("", model)))


def read_thresholds(path: Path) -> Thresholds:
    """Read the file; raises `Problems` with all its mistakes."""
    data, complaints = read_file(path), Complaints()
    root, reader = read_yaml(data, path, complaints), YamlReader(path, complaints)
    sections = {} if root is None else _sections(root, reader)
    thresholds = Thresholds(
        release=tuple(_suites(sections["release"], "release", "release", reader)) if "release" in sections else (),
        guards=tuple(_guards(sections["guards"], reader)) if "guards" in sections else (),
        not_for_release=_models(sections["not_for_release"], reader) if "not_for_release" in sections else (),
        path=shown(path),
        digest=hashlib.sha256(data).hexdigest(),
    )
    complaints.raise_any()
    return thresholds


def _sections(root: Node, reader: YamlReader) -> dict[str, Node]:
    sections = reader.mapping(root, "the file", f"{{version: {VERSION}, {_EXAMPLE}}}")
    if not sections:
        return {}
    reader.known(sections, _SECTIONS, "the file")
    if "version" not in sections:
        reader.complain(root, f"version is missing. Write as the first line: version: {VERSION}")
    elif reader.integer(sections["version"], "version") not in (VERSION, None):
        advice = f"Write version: {VERSION}, or update pytest-cosmos"
        reader.complain(sections["version"], f"version {sections['version'].raw} is not known here. {advice}")
    if "release" not in sections and "guards" not in sections:
        reader.complain(root, f"no threshold is given, so nothing could be gated. Write e.g. {_EXAMPLE}")
    return sections


def _models(node: Node, reader: YamlReader) -> tuple[str, ...]:
    none = node.kind is Kind.LIST and not node.items
    return () if none else reader.texts(node, "not_for_release")


def _guards(node: Node, reader: YamlReader) -> Iterator[tuple[str, Threshold]]:
    for pattern, suites in reader.mapping(node, "guards", f"{{tiny: {_SUITES}}}").items():
        for threshold in _suites(suites, f"guards of {quoted(pattern)}", "guard", reader):
            yield pattern, threshold


def _suites(node: Node, what: str, kind: _Kind, reader: YamlReader) -> Iterator[Threshold]:
    for suite, metrics in reader.mapping(node, what, _SUITES).items():
        for spelling, bars in reader.mapping(metrics, f"suite {quoted(suite)}", _METRICS).items():
            yield _threshold(suite, spelling, bars, kind, reader)


def _threshold(suite: str, spelling: str, node: Node, kind: _Kind, reader: YamlReader) -> Threshold:
    """Read one entry of a suite; after a complaint what is returned is void."""
    metric, where = _metric(spelling, node, reader)
    what, told = quoted(spelling), len(reader.complaints)
    keys = reader.mapping(node, what, _BARS)
    reader.known(keys, _BAR_KEYS, what)
    low, high, least = (keys.get(key) for key in _BAR_KEYS)
    at_least = reader.number(low, f"{what}: at_least") if low else None
    at_most = reader.number(high, f"{what}: at_most") if high else None
    min_cases = reader.integer(least, f"{what}: min_cases", least=1) if least else None
    if metric in METRICS and len(reader.complaints) == told:
        for problem in _bar_problems(METRICS[metric], at_least, at_most):
            reader.complain(node, f"{what} {problem}")
    return Threshold(
        suite=suite,
        metric=metric,
        slice=where,
        at_least=at_least,
        at_most=at_most,
        min_cases=min_cases or 1,
        kind=kind,
        where=f"{shown(reader.file)}:{node.line}",
    )


def _metric(spelling: str, node: Node, reader: YamlReader) -> tuple[str, dict[str, str]]:
    """Take `recall[category=hazard,source=real]` apart."""
    found = _SPELLING.fullmatch(spelling)
    if found is None:
        reader.complain(node, f"{quoted(spelling)} is no metric. Write a name, or name[key=value,key=value]")
        return spelling, {}
    name = found["metric"].strip()
    if name not in METRICS:
        reader.complain(node, f"unknown metric {quoted(name)}. {_allowed('Metrics', name, METRICS)}")
    inside = found["slice"]
    return name, {} if inside is None else _slice(inside, f"{quoted(spelling)}:", node, reader)


def _slice(inside: str, what: str, node: Node, reader: YamlReader) -> dict[str, str]:
    where: dict[str, str] = {}
    for part in inside.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not (name and value):
            reader.complain(node, f"{what} {quoted(part)} is no condition. Write name[key=value,key=value]")
        elif name in where:
            reader.complain(node, f"{what} two conditions on {quoted(name)}. Write a threshold for each")
        where[name] = value
    return where


Slices = Mapping[str, frozenset[str]]
"""Slice key -> the values that cases of a suite have."""


def name_problems(thresholds: Thresholds, known: Mapping[str, Slices | None]) -> tuple[str, ...]:
    """Return a line for each suite, slice key and slice value that does not exist.

    `known` holds every suite that exists; None for one that this run does not look into.
    """
    named = (*thresholds.release, *(threshold for _, threshold in thresholds.guards))
    return tuple(f"{t.where}: {problem}" for t in named for problem in _unknown_names(t, known))


def _unknown_names(threshold: Threshold, known: Mapping[str, Slices | None]) -> Iterator[str]:
    if threshold.suite not in known:
        yield f"suite '{threshold.suite}' does not exist. {_allowed('Suites', threshold.suite, known)}"
        return
    columns = known[threshold.suite]
    if columns is None:
        return
    for key, value in threshold.slice.items():
        if key not in columns:
            yield f"'{threshold.key}': no case has a '{key}'. {_allowed('Slice by', key, columns)}"
        elif value not in columns[key]:
            values = sorted(columns[key])
            yield f"'{threshold.key}': no case has {key}={value}. {_allowed('Values', value, values)}"


def _allowed(what: str, wrong: str, names: Iterable[str]) -> str:
    listed = list(names)
    more = f", … ({len(listed)} in all)" if len(listed) > _LISTED and what == "Values" else ""
    told = listed[:_LISTED] if more else listed
    return f"{what}: {', '.join(told) or 'none'}{more}.{suggest(wrong, listed)}"


def _bar_problems(metric: MetricKind, at_least: float | None, at_most: float | None) -> Iterator[str]:
    """Tell of bars that every figure would pass, or none could."""
    low, high = metric.bounds
    for name, bar in (("at_least", at_least), ("at_most", at_most)):
        if bar is not None and not low <= bar <= high:
            span = "from 0 to 1" if high == 1 else "0 or more"
            yield f"has {name} {bar:g}, which is out of range: {metric.name} is {span}."
    if at_least is None and at_most is None:
        yield f"has no bar. Write {{{'at_most' if metric.higher_is_better is False else 'at_least'}: …}}."
    elif metric.higher_is_better is True and at_least is None:
        yield "has only at_most, but higher is better: any low figure would pass. Write at_least."
    elif metric.higher_is_better is False and at_most is None:
        yield "has only at_least, but lower is better: any high figure would pass. Write at_most."
    elif at_least is not None and at_most is not None and at_least > at_most:
        yield f"has at_least {at_least:g} above at_most {at_most:g}: nothing meets both."
