"""What a check came to."""

from __future__ import annotations

from enum import StrEnum

from pydantic import StrictStr

from pytest_cosmos.records import Record


class Status(StrEnum):
    """Three words, the last of which makes the command exit 1."""

    PASS = "pass"  # noqa: S105  (no password)
    WARN = "warn"
    """It runs, though not as it should; or it could not be checked."""
    FAIL = "fail"
    """It will not run."""


class Finding(Record):
    """One line of the doctor's table."""

    name: StrictStr
    status: Status
    found: StrictStr
    advice: StrictStr = ""
    """What to do; empty where all is well."""


def passed(name: str, found: str) -> Finding:
    """Say that all is well."""
    return Finding(name=name, status=Status.PASS, found=found)


def warned(name: str, found: str, advice: str) -> Finding:
    """Say what is not as it should be."""
    return Finding(name=name, status=Status.WARN, found=found, advice=advice)


def failed(name: str, found: str, advice: str) -> Finding:
    """Say what will not run."""
    return Finding(name=name, status=Status.FAIL, found=found, advice=advice)
