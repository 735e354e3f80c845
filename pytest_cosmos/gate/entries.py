"""One entry of thresholds.yaml -> a Threshold: `recall[category=hazard]: {at_least: 0.9, bound: lower}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pytest_cosmos.errors import suggest
from pytest_cosmos.gate.sense import problems_of
from pytest_cosmos.measure import METRICS
from pytest_cosmos.records import Threshold
from pytest_cosmos.userfiles import Node, YamlReader, quoted, shown

ThresholdKind = Literal["release", "guard", "regression", "latency"]

EXAMPLES: dict[ThresholdKind, str] = {
    "release": "{at_least: 0.85}",
    "guard": "{at_least: 0.85}",
    "regression": "{max_drop: 0.02}",
    "latency": "{max_ratio: 1.10}",
}
"""What the entries of a section look like."""

LATENCY_SUITE = "latency"
"""In the place of a suite, for thresholds on the benchmarks of latency."""

_ABSOLUTE = ("at_least", "at_most", "bound", "confidence", "cost", "abstain_below", "min_cases")
_KEYS: dict[ThresholdKind, tuple[str, ...]] = {
    "release": _ABSOLUTE,
    "guard": _ABSOLUTE,
    "regression": ("max_drop", "max_rise", "confidence", "cost", "abstain_below", "min_cases"),
    "latency": ("max_ratio", "where", "confidence"),
}
_HOME = {
    "at_least": "release: or guards:",
    "at_most": "release: or guards:",
    "bound": "release: or guards: (a regression always needs its interval)",
    "max_drop": "regression:",
    "max_rise": "regression:",
    "max_ratio": "latency:",
}
_COSTS = ("missed_hazard", "false_alarm")
_COST_EXAMPLE = "{missed_hazard: 10, false_alarm: 1}"
_SPELLING = re.compile(r"(?P<metric>[^\[\]]+)(?:\[(?P<slice>[^\[\]]*)\])?")
_LISTED = 12


def read_threshold(suite: str, spelling: str, node: Node, kind: ThresholdKind, reader: YamlReader) -> Threshold:
    """Read one entry of a suite; after a complaint what is returned is void."""
    metric, where = _metric(spelling, node, reader)
    return _entry(suite, metric, where, spelling, node, kind, reader)


def read_latency(name: str, node: Node, reader: YamlReader) -> Threshold:
    """Read one entry of `latency:`, named for its benchmark; after a complaint what is returned is void."""
    return _entry(LATENCY_SUITE, name, {}, name, node, "latency", reader)


def _entry(
    suite: str, metric: str, where: dict[str, str], spelling: str, node: Node, kind: ThresholdKind, reader: YamlReader
) -> Threshold:
    what, told = quoted(spelling), len(reader.complaints)
    keys = reader.mapping(node, what, EXAMPLES[kind])
    reader.known(keys, _KEYS[kind], what, _elsewhere(keys, kind))
    found = {name: _READ[name](reader, keys[name], f"{what}: {name}") for name in _KEYS[kind] if name in keys}
    given = {"device" if name == "where" else name: value for name, value in found.items() if value is not None}
    place = f"{shown(reader.file)}:{node.line}"
    threshold = Threshold.model_validate(
        {"suite": suite, "metric": metric, "slice": where, "kind": kind, "where": place, **given}
    )
    if len(reader.complaints) == told:  # what could not be read makes no sense either
        for problem in problems_of(threshold):
            reader.complain(node, f"{what} {problem}")
    return threshold


def _elsewhere(keys: Iterable[str], kind: ThresholdKind) -> str:
    """Say where a key belongs that another section knows."""
    strange = next((key for key in keys if key in _HOME and key not in _KEYS[kind]), None)
    return f" {strange} belongs under {_HOME[strange]}" if strange else ""


def _bound(reader: YamlReader, node: Node, what: str) -> str | None:
    value = reader.text(node, what)
    if value is None or value in ("point", "lower", "upper"):
        return value
    reader.complain(node, f"{what} is {quoted(value)}. {allowed('Bounds', value, ('point', 'lower', 'upper'))}")
    return None


def _confidence(reader: YamlReader, node: Node, what: str) -> float | None:
    value = reader.number(node, what)
    if value is None or 0.5 < value < 1:
        return value
    hint = f" Write {value / 100:g}." if 50 < value < 100 else ""
    reader.complain(node, f"{what} is {value:g}, but must lie above 0.5 and below 1, such as 0.95.{hint}")
    return None


def _abstain_below(reader: YamlReader, node: Node, what: str) -> float | None:
    value = reader.number(node, what)
    if value is None or 0 < value <= 1:
        return value
    reader.complain(node, f"{what} is {value:g}, but a confidence lies above 0 and is at most 1, such as 0.6")
    return None


def _cost(reader: YamlReader, node: Node, what: str) -> dict[str, float] | None:
    keys = reader.mapping(node, what, _COST_EXAMPLE)
    reader.known(keys, _COSTS, what)
    costs = {name: reader.number(keys[name], f"{what}: {name}") for name in _COSTS if name in keys}
    read = {name: cost for name, cost in costs.items() if cost is not None}
    if any(cost < 0 for cost in read.values()):
        reader.complain(node, f"{what}: a cost is not below 0")
    elif keys and len(costs) < len(_COSTS):
        missing = next(name for name in _COSTS if name not in costs)
        reader.complain(node, f"{what}: {missing} is missing. Write both, e.g. {_COST_EXAMPLE}")
    elif len(read) == len(_COSTS) and not any(read.values()):
        reader.complain(node, f"{what}: both cost nothing, so every figure would pass. Write e.g. {_COST_EXAMPLE}")
    return read


_READ: dict[str, Callable[[YamlReader, Node, str], Any]] = {
    "at_least": YamlReader.number,
    "at_most": YamlReader.number,
    "max_drop": YamlReader.number,
    "max_rise": YamlReader.number,
    "max_ratio": YamlReader.number,
    "bound": _bound,
    "confidence": _confidence,
    "cost": _cost,
    "abstain_below": _abstain_below,
    "min_cases": lambda reader, node, what: reader.integer(node, what, least=1),
    "where": YamlReader.text,
}


def _metric(spelling: str, node: Node, reader: YamlReader) -> tuple[str, dict[str, str]]:
    """Take `recall[category=hazard,source=real]` apart."""
    found = _SPELLING.fullmatch(spelling)
    if found is None:
        reader.complain(node, f"{quoted(spelling)} is no metric. Write a name, or name[key=value,key=value]")
        return spelling, {}
    name = found["metric"].strip()
    if name not in METRICS:
        reader.complain(node, f"unknown metric {quoted(name)}. {allowed('Metrics', name, METRICS)}")
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


def allowed(what: str, wrong: str, names: Iterable[str] | Mapping[str, object]) -> str:
    """List the names there are, and the one that may have been meant."""
    listed = list(names)
    more = f", … ({len(listed)} in all)" if len(listed) > _LISTED and what in ("Values", "Cases") else ""
    told = listed[:_LISTED] if more else listed
    return f"{what}: {', '.join(told) or 'none'}{more}.{suggest(wrong, listed)}"
