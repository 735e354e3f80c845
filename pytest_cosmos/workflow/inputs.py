"""What a workflow is given: checked before any model is asked, and known by one digest."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_cosmos.engines import foretold
from pytest_cosmos.finetune.recipe import read_recipe, usual_recipe
from pytest_cosmos.finetune.running import check_validation
from pytest_cosmos.settings import Settings
from pytest_cosmos.suites import SPLITS, guard_training, read_suite
from pytest_cosmos.workflow.state import digest_of_files, digest_of_folder, digest_of_texts

_PYTEST_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def check_inputs(settings: Settings, folder: Path, config: Path | None) -> None:
    """Find what would stop the fine-tuning, hours later: mistakes in its recipe and in the splits, and leaks.

    Problems and OptionError as `finetune` raises them.
    """
    read_recipe(config, usual_recipe(settings.model))
    suite = read_suite(folder, split="train", decode=SPLITS)
    check_validation(suite)
    guard_training(suite)


def digest_of_inputs(settings: Settings, folder: Path, tests: Path | None, arguments: Sequence[str]) -> str:
    """Return the digest of all that decides what is asked: of which weights, which cases, in which words.

    Prompt files outside the suite count, and what pytest is told by files of the project and by the environment.
    """
    return digest_of_texts(
        digest_of_folder(folder),
        read_suite(folder, split=None, decode=()).digest,
        _identity(settings),
        str(tests or ""),
        *([_content(tests)] if tests else []),
        *arguments,
        *_named(settings.root, arguments),
        *_told(settings.root),
    )


def _identity(settings: Settings) -> str:
    """Name the weights, as far as they are known before anything is loaded."""
    record = foretold(settings)
    return f"{settings.model} {record.fingerprint if record is not None else ''}"


def _content(path: Path) -> str:
    return digest_of_folder(path) if path.is_dir() else digest_of_files(path.parent, [path])


def _named(root: Path, arguments: Sequence[str]) -> Iterator[str]:
    """Yield what the files hold that arguments name, as in `--cosmos-prompt=FILE`."""
    for argument in arguments:
        path = root / (argument.partition("=")[2] or argument)
        if path.is_file():
            yield _content(path)


def _told(root: Path) -> Iterator[str]:
    """Yield what pytest is told besides its arguments."""
    yield os.environ.get("PYTEST_ADDOPTS", "")
    for path in (root / name for name in _PYTEST_FILES):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield _pytest_table(text) if path.name == "pyproject.toml" else text


def _pytest_table(text: str) -> str:
    try:
        tables = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:  # pytest says so
        return text
    return json.dumps(tables.get("pytest", {}), sort_keys=True, default=str)
