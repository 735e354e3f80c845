"""Which cases of a run to ask again: `--cosmos-only wrong`."""

from __future__ import annotations

from pathlib import Path

from pytest_cosmos.errors import OptionError, RunFolderError
from pytest_cosmos.records import Verdict
from pytest_cosmos.runlog.folder import RunFolder

VERDICTS = (Verdict.WRONG.value, Verdict.UNPARSED.value, Verdict.ERROR.value)
CHANGES = ("broken", "fixed")
CHOICES = (*VERDICTS, *CHANGES)


def chosen_run(which: str, named: str, start: Path, reports: Path) -> RunFolder:
    """Return the run that is meant: a folder (from `start`), a run's id, or without a name the latest.

    RunFolderError where it is not there.
    """
    places = (start / named, reports / "runs" / named) if named else (reports / "latest",)
    for path in places:
        if (path / "run.json").is_file():
            return RunFolder(path.resolve())
    found = f"{named} is no run folder" if named else f"there is no earlier run in {reports}"
    raise RunFolderError(f"--cosmos-only {which}: {found}. Name one: --cosmos-only {which}:reports/runs/…")


def chosen_cases(run: RunFolder, which: str) -> frozenset[str]:
    """Return the keys of a run's cases of one verdict, or that changed from any of its baselines.

    OptionError where there is none: then nothing would be asked.
    """
    if which in CHANGES:
        comparisons = run.read_comparisons()
        if not comparisons:
            raise OptionError(
                f"--cosmos-only {which}: {run.path} was compared with no baseline. Name a run that was, "
                f"--cosmos-only {which}:RUN, or compare it: pytest-cosmos compare BASE {run.path}"
            )
        keys = frozenset(key for one in comparisons for key in (one.broken if which == "broken" else one.fixed))
    else:
        keys = frozenset(one.case.key for one in run.read_outcomes() if one.judgement.verdict == which)
    if not keys:
        raise OptionError(f"--cosmos-only {which}: no case of {run.path} is {which}, so there is nothing to ask.")
    return keys
