"""The run folder: read, append, merge."""

from __future__ import annotations

from pytest_cosmos.runlog.folder import RunFolder, open_run, point_latest, write_whole
from pytest_cosmos.runlog.merge import Part, merge

__all__ = ["Part", "RunFolder", "merge", "open_run", "point_latest", "write_whole"]
