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
regression:                                          # against the baseline
  floor_cracks:
    accuracy: {max_drop: 0.02}
latency:                                             # against the baseline's, on devices of that name
  image_yes_no: {max_ratio: 1.10, where: "NVIDIA*"}
waivers:
  - {case: floor_cracks/floor-0042-binary_safety, reason: "…", owner: "…", expires: 2026-12-31}
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_cosmos.gate.entries import EXAMPLES, ThresholdKind, read_latency, read_threshold
from pytest_cosmos.gate.waivers import read_waivers
from pytest_cosmos.records import Threshold, Waiver, metric_key
from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, quoted, read_file, read_yaml, shown

VERSION = 1
_SECTIONS = ("version", "not_for_release", "release", "guards", "regression", "latency", "waivers")
_BARS = ("release", "guards", "regression", "latency")
_REVISION = re.compile(r"@[^/\\]*$")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What thresholds.yaml demands."""

    release: tuple[Threshold, ...] = ()
    """What a model must reach to be released."""
    guards: tuple[tuple[str, Threshold], ...] = ()
    """What a model must not fall below, each with the pattern of the models' names."""
    regression: tuple[Threshold, ...] = ()
    """By how much any model may be worse than the baseline."""
    latency: tuple[Threshold, ...] = ()
    """How many times the baseline's a latency may be; `metric` is the benchmark's name."""
    waivers: tuple[Waiver, ...] = ()
    """Known failures of must-pass cases, expired ones too."""
    not_for_release: tuple[str, ...] = ()
    """Patterns of the models for which release targets are shown without blocking."""
    path: str = ""
    digest: str = ""
    """SHA-256 over the file."""
    source: bytes = field(default=b"", repr=False)
    """The file itself: a run keeps a copy of what it was held against."""

    def guards_for(self, model: str) -> tuple[Threshold, ...]:
        """Return the guards that hold for this model."""
        return tuple(threshold for pattern, threshold in self.guards if matches(model, pattern))

    def may_release(self, model: str) -> bool:
        """Tell whether this model is one to release, so that release targets block."""
        return not any(matches(model, pattern) for pattern in self.not_for_release)

    def suites_for(self, model: str) -> tuple[str, ...]:
        """Return the suites this model must answer for: those of `release`, of its guards and of `regression`."""
        return tuple(dict.fromkeys(t.suite for t in (*self.release, *self.guards_for(model), *self.regression)))


def matches(model: str, pattern: str) -> bool:
    """Tell whether a model's name, with or without its `@revision`, is or matches `pattern`; case counts."""
    return any(name == pattern or fnmatchcase(name, pattern) for name in (model, _REVISION.sub("", model)))


def read_thresholds(path: Path) -> Thresholds:
    """Read the file; raises `Problems` with all its mistakes."""
    data, complaints = read_file(path), Complaints()
    root, reader = read_yaml(data, path, complaints), YamlReader(path, complaints)
    found = {} if root is None else _sections(root, reader)
    thresholds = Thresholds(
        release=tuple(_suites(found["release"], "release", "release", reader)) if "release" in found else (),
        guards=tuple(_guards(found["guards"], reader)) if "guards" in found else (),
        regression=tuple(_suites(found["regression"], "regression", "regression", reader))
        if "regression" in found
        else (),
        latency=tuple(_latency(found["latency"], reader)) if "latency" in found else (),
        waivers=read_waivers(found["waivers"], reader) if "waivers" in found else (),
        not_for_release=_models(found["not_for_release"], reader) if "not_for_release" in found else (),
        path=shown(path),
        digest=hashlib.sha256(data).hexdigest(),
        source=data,
    )
    complaints.raise_any()
    return thresholds


def _metrics_example(kind: ThresholdKind) -> str:
    return f"{{accuracy: {EXAMPLES[kind]}}}"


def _suites_example(kind: ThresholdKind) -> str:
    return f"{{floor_cracks: {_metrics_example(kind)}}}"


def _sections(root: Node, reader: YamlReader) -> dict[str, Node]:
    example = f"release: {_suites_example('release')}"
    sections = reader.mapping(root, "the file", f"{{version: {VERSION}, {example}}}")
    if not sections:
        return {}
    reader.known(sections, _SECTIONS, "the file")
    if "version" not in sections:
        reader.complain(root, f"version is missing. Write as the first line: version: {VERSION}")
    elif reader.integer(sections["version"], "version") not in (VERSION, None):
        advice = f"Write version: {VERSION}, or update pytest-cosmos"
        reader.complain(sections["version"], f"version {sections['version'].raw} is not known here. {advice}")
    if not any(name in sections for name in _BARS):
        reader.complain(root, f"no threshold is given, so nothing could be gated. Write e.g. {example}")
    return sections


def _models(node: Node, reader: YamlReader) -> tuple[str, ...]:
    none = node.kind is Kind.LIST and not node.items
    return () if none else reader.texts(node, "not_for_release")


def _guards(node: Node, reader: YamlReader) -> Iterator[tuple[str, Threshold]]:
    for pattern, suites in reader.mapping(node, "guards", f"{{tiny: {_suites_example('guard')}}}").items():
        for threshold in _suites(suites, f"guards of {quoted(pattern)}", "guard", reader):
            yield pattern, threshold


def _suites(node: Node, what: str, kind: ThresholdKind, reader: YamlReader) -> Iterator[Threshold]:
    for suite, metrics in reader.mapping(node, what, _suites_example(kind)).items():
        seen: dict[str, int] = {}
        for spelling, bars in reader.mapping(metrics, f"suite {quoted(suite)}", _metrics_example(kind)).items():
            threshold = read_threshold(suite, spelling, bars, kind, reader)
            same = metric_key(threshold.metric, dict(sorted(threshold.slice.items())))
            if same in seen:
                reader.complain(bars, f"{quoted(spelling)} is already given in line {seen[same]}. Remove one")
            seen.setdefault(same, bars.line)
            yield threshold


def _latency(node: Node, reader: YamlReader) -> Iterator[Threshold]:
    for name, bars in reader.mapping(node, "latency", f"{{image_yes_no: {EXAMPLES['latency']}}}").items():
        yield read_latency(name, bars, reader)
