"""The root of the project is not to be moved by the value of an option.

pytest chooses it before any plugin is loaded, when `./ckpt` of `--model ./ckpt` looks like a test path: it and the
folders above are searched for an ini file, and the paths of a command line for a folder that holds them all.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import pytest


def refuse_value_as_root(config: pytest.Config, pairs: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError where pytest took an option's value itself for the project: its conftest would be executed."""
    for option, value in pairs:
        path = _existing(config, value)
        for taken in (config.inipath, config.rootpath):
            if path is None or taken is None or config.invocation_params.dir == path:
                continue
            if Path(taken).is_relative_to(path):
                raise pytest.UsageError(_refusal(config, option, value))


def refuse_moved_root(config: pytest.Config, namespace: argparse.Namespace, pairs: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError where without an option's value the root, or its ini file, would be another.

    `namespace` is the command line without those options.
    """
    present = [(option, value) for option, value in pairs if _existing(config, value) is not None]
    if not present:
        return
    paths = list(map(str, namespace.file_or_dir))
    own = _root(config, namespace, paths)
    if own == (config.rootpath, config.inipath):
        return
    for option, value in present:
        if _root(config, namespace, [*paths, value]) != own or _root(config, namespace, [value, *paths]) != own:
            raise pytest.UsageError(_refusal(config, option, value))


def _existing(config: pytest.Config, value: str) -> Path | None:
    """Return the path that a value is; None: it is none, or nothing is there."""
    path = Path(os.path.abspath(config.invocation_params.dir / value)) if value else None
    return path if path is not None and os.path.exists(path) else None


def _root(config: pytest.Config, namespace: argparse.Namespace, paths: Sequence[str]) -> tuple[Path, Path | None]:
    """Ask pytest which root and ini file it chooses for these test paths."""
    from _pytest.config.findpaths import determine_setup  # no public name

    root, ini, *_ = determine_setup(
        inifile=namespace.inifilename,
        override_ini=namespace.override_ini,
        args=paths,
        rootdir_cmd_arg=namespace.rootdir or None,
        invocation_dir=config.invocation_params.dir,
    )
    return root, ini


def _refusal(config: pytest.Config, option: str, value: str) -> str:
    by = f" (by {config.inipath})" if config.inipath is not None else ""
    return (
        f"pytest took '{value}' of {option} for a test path, and so {config.rootpath}{by} for the root of the project. "
        f"Write {option}={value} (with =)."
    )
