"""`waivers:` of thresholds.yaml: known failures of must-pass cases that are let through, visibly, until their date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from pytest_cosmos.records import Waiver
from pytest_cosmos.userfiles import Kind, Node, YamlReader, quoted, shown

_KEYS = ("case", "reason", "owner", "expires")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = '{case: floor_cracks/floor-0042-binary_safety, reason: "…", owner: "…", expires: 2026-12-31}'


def read_waivers(node: Node, reader: YamlReader) -> tuple[Waiver, ...]:
    """Read the list; after a complaint what is returned is void."""
    if node.kind is not Kind.LIST:
        reader.complain(node, f"waivers must be a list. Write below it, per case: - {_EXAMPLE}")
        return ()
    waivers: dict[str, Waiver] = {}
    for item in node.items:
        waiver = _waiver(item, reader)
        if waiver is not None and waiver.case in waivers:
            first = waivers[waiver.case].where.rpartition(":")[2]
            reader.complain(item, f"waivers: {quoted(waiver.case)} is already waived in line {first}. Remove one")
        elif waiver is not None:
            waivers[waiver.case] = waiver
    return tuple(waivers.values())


def _waiver(node: Node, reader: YamlReader) -> Waiver | None:
    keys = reader.mapping(node, "waivers: an entry", _EXAMPLE)
    if not keys:
        return None
    reader.known(keys, _KEYS, "waivers: an entry")
    if missing := [key for key in _KEYS if key not in keys]:
        reader.complain(node, f"waivers: {', '.join(missing)} missing. Write {_EXAMPLE}")
    texts = {key: reader.text(keys[key], f"waivers: {key}", key=key) for key in _KEYS[:3] if key in keys}
    expires = _expires(keys["expires"], reader) if "expires" in keys else None
    case = texts.get("case")
    if case and "/" not in case:
        reader.complain(
            keys["case"], f"waivers: case is {quoted(case)}, but must be suite/sample-prompt, as reports show"
        )
    if expires is None or not all(texts.get(key) for key in _KEYS[:3]):
        return None
    return Waiver.model_validate({**texts, "expires": expires, "where": f"{shown(reader.file)}:{node.line}"})


def _expires(node: Node, reader: YamlReader) -> str | None:
    """Read a date, quoted or not; one that has passed is no mistake of the file."""
    try:
        if node.kind in (Kind.DATE, Kind.TEXT) and _DATE.fullmatch(node.raw):
            return date.fromisoformat(node.raw).isoformat()
    except ValueError:
        pass
    reader.complain(node, f"waivers: expires is {quoted(node.raw)}, but must be a date such as 2026-12-31")
    return None


def holds(waiver: Waiver, today: date) -> bool:
    """Tell whether a waiver still lets its case through; its date is the last day."""
    return today <= date.fromisoformat(waiver.expires)


def waiver_of(case: str, waivers: Sequence[Waiver]) -> Waiver | None:
    """Return the waiver of a case, by its key, expired or not."""
    return next((waiver for waiver in waivers if waiver.case == case), None)
