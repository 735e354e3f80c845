"""The file of temperatures: written by `pytest-cosmos calibrate`, named by `--cosmos-calibration`."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from pytest_cosmos.errors import OptionError, RunFolderError
from pytest_cosmos.records import SCHEMA_VERSION, TemperatureFile
from pytest_cosmos.runlog.folder import write_whole


def write_temperatures(path: Path, file: TemperatureFile) -> None:
    """Write the file, whole or not at all; RunFolderError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, file.model_dump_json(indent=2).encode() + b"\n")
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written ({error.strerror}). Name another file.") from None


def read_temperatures(path: Path) -> TemperatureFile:
    """Read the file; OptionError where it is not there or not one."""
    advice = "Write one: pytest-cosmos calibrate RUN"
    try:
        found = TemperatureFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OptionError(f"--cosmos-calibration {path}: cannot be read ({error.strerror}). {advice}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise OptionError(
            f"--cosmos-calibration {path}: is no file of temperatures: {where}: {first['msg']}. {advice}"
        ) from None
    if found.schema_version != SCHEMA_VERSION:
        raise OptionError(
            f"--cosmos-calibration {path}: schema_version {found.schema_version}; this version reads {SCHEMA_VERSION}. "
            f"{advice}"
        )
    names = [(one.suite, one.prompt) for one in found.temperatures]
    if twice := sorted({"/".join(name) for name in names if names.count(name) > 1}):
        raise OptionError(f"--cosmos-calibration {path}: two temperatures for {twice[0]}. {advice}")
    return found
