"""Saved baselines: `baselines/NAME` of the project, a run without its pictures, small enough to be committed."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from pytest_cosmos.errors import RunFolderError, suggest
from pytest_cosmos.runlog.folder import RunFolder, open_run, write_whole

FOLDER = "baselines"
NONE = "none"
"""In the place of a baseline: there is none, on purpose."""

_KEPT = ("run.json", "outcomes.jsonl", "metrics.json", "thresholds.yaml", "latency.json")
_README = """Runs of pytest-cosmos that others are compared with: `pytest benchmarks/ --baseline NAME`. Commit them.

`pytest-cosmos baseline save RUN NAME`, `list` and `remove NAME` manage them; each folder is a run without its pictures.
"""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def saved_baselines(root: Path) -> tuple[str, ...]:
    """Name the baselines saved in the project, sorted."""
    return tuple(sorted(path.parent.name for path in (root / FOLDER).glob("*/run.json")))


def find_baseline(named: str, root: Path, start: Path, reports: Path, *, asked: str = "--baseline") -> RunFolder:
    """Return the run that a name stands for: a saved baseline, a run folder (from `start`), or a run's id.

    RunFolderError where it is none of them, with what was saved.
    """
    for path in (root / FOLDER / named, start / named, reports / "runs" / named):
        if _NAME.fullmatch(named) is None and path != start / named:
            continue
        if (path / "run.json").is_file():
            return RunFolder(path.resolve())
    saved = saved_baselines(root)
    listed = f"Saved: {', '.join(saved)}." if saved else "None is saved."
    raise RunFolderError(
        f"{asked} {named}: there is neither a saved baseline {root / FOLDER / named} nor such a run folder. "
        f"{listed}{suggest(named, (*saved, NONE))} Name a run folder such as reports/runs/…, or save one "
        f"(pytest-cosmos baseline save RUN NAME).{f' Or go without: {asked} {NONE}.' if asked == '--baseline' else ''}"
    )


def find_run(named: str, root: Path, reports: Path) -> RunFolder:
    """Return the run that a name stands for, likewise; without a name the latest. RunFolderError: it is not there."""
    if named:
        return find_baseline(named, root, Path(), reports, asked="run")
    latest = reports / "latest"
    if not (latest / "run.json").is_file():
        raise RunFolderError(f"There is no run in {reports} yet. Run one: pytest benchmarks/. Or name a run folder.")
    return RunFolder(latest.resolve())


def is_saved(run: RunFolder, root: Path) -> bool:
    """Tell whether a run is a saved baseline, which stays as it was saved."""
    return run.path.parent.resolve() == (root / FOLDER).resolve()


def save_baseline(run: RunFolder, root: Path, name: str, *, replace: bool = False) -> Path:
    """Copy what a comparison needs of a run to `baselines/NAME`; it is there whole or not at all."""
    check_name(name)
    target = root / FOLDER / name
    if target.exists() and not replace:
        raise RunFolderError(f"{target}: a baseline of this name exists. Choose another name, or add --replace.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (target.parent / "README.md").exists():
        write_whole(target.parent / "README.md", _README.encode())
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}.") as temporary:
        copy = Path(temporary) / name
        copy.mkdir()
        for file in _KEPT:
            if (run.path / file).is_file():
                shutil.copyfile(run.path / file, copy / file)
        if target.exists():
            target.rename(Path(temporary) / "old")
        copy.rename(target)
    return target


def remove_baseline(root: Path, name: str) -> None:
    """Delete a saved baseline."""
    saved = saved_baselines(root)
    if name not in saved:
        raise RunFolderError(
            f"{root / FOLDER / name}: no such baseline. Saved: {', '.join(saved) or 'none'}.{suggest(name, saved)}"
        )
    shutil.rmtree(root / FOLDER / name)


def check_name(name: str) -> None:
    """Raise RunFolderError where a baseline may not be called so."""
    if _NAME.fullmatch(name) is None or name == NONE:
        raise RunFolderError(
            f"'{name}' is no name for a baseline. Write letters, digits, '.', '_' and '-', such as reason2-2026-11; "
            f"'{NONE}' has a meaning of its own."
        )


def read_saved(root: Path, name: str) -> RunFolder:
    """Open a saved baseline by its name."""
    return open_run(root / FOLDER / name)


def refuse_mixed_splits(baseline: RunFolder, split: str) -> None:
    """Raise RunFolderError where a baseline asked another split: the two have no case in common."""
    theirs = baseline.read_run().split
    if theirs != split:
        raise RunFolderError(
            f"{baseline.path} asked the {theirs} split, this run the {split} split: there is nothing to compare. Name "
            f"a run of the {split} split, or ask the same: --cosmos-split {theirs}"
        )
