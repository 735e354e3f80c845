"""The run folder: read, append, merge; saved baselines, and the ledger of comparisons."""

from __future__ import annotations

from pytest_cosmos.runlog import ledger, looked
from pytest_cosmos.runlog.adapters import Trained, read_trained
from pytest_cosmos.runlog.baselines import (
    NONE,
    find_baseline,
    find_run,
    is_saved,
    refuse_mixed_splits,
    remove_baseline,
    save_baseline,
    saved_baselines,
)
from pytest_cosmos.runlog.chosen import chosen_cases, chosen_run
from pytest_cosmos.runlog.folder import RunFolder, open_run, point_latest, write_whole
from pytest_cosmos.runlog.merge import Part, merge
from pytest_cosmos.runlog.temperatures import read_temperatures, write_temperatures

__all__ = [
    "NONE",
    "Part",
    "RunFolder",
    "Trained",
    "chosen_cases",
    "chosen_run",
    "find_baseline",
    "find_run",
    "is_saved",
    "ledger",
    "looked",
    "merge",
    "open_run",
    "point_latest",
    "read_temperatures",
    "read_trained",
    "refuse_mixed_splits",
    "remove_baseline",
    "save_baseline",
    "saved_baselines",
    "write_temperatures",
    "write_whole",
]
