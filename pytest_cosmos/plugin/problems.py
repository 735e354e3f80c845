"""What is wrong with what the user asked for: found before a model is loaded, told all at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from pytest_cosmos.engines import check_engine, device_problem, prompt_problems
from pytest_cosmos.engines.known_models import read_models
from pytest_cosmos.engines.models import locate, pin_advice
from pytest_cosmos.errors import CosmosError, Problems
from pytest_cosmos.gate import name_problems, read_thresholds
from pytest_cosmos.plugin.collection import Collection, case_of
from pytest_cosmos.plugin.temperatures import calibration_problems
from pytest_cosmos.plugin.workers import worker_count
from pytest_cosmos.records import Waiver

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings


def refusal(problems: list[str] | tuple[str, ...]) -> str:
    """Write all problems as one text."""
    unique = list(dict.fromkeys(problems))
    count = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    return "\n  ".join((f"pytest-cosmos found {count}; no model was loaded:", *unique))


def threshold_problems(collection: Collection) -> list[str]:
    """Say what is wrong with the thresholds file: by itself, and against the suites at hand."""
    file = collection.settings.thresholds
    if file is None:
        return []
    try:
        thresholds = read_thresholds(file)
    except Problems as error:
        return list(error.lines)
    return list(name_problems(thresholds, collection.slices(), collection.must_pass()))


def waivers_of(settings: Settings) -> tuple[Waiver, ...]:
    """Return the waivers of the thresholds file, if there is one."""
    return read_thresholds(settings.thresholds).waivers if settings.thresholds is not None else ()


def models_file_problems(settings: Settings) -> list[str]:
    """Say what is wrong with the project's models.yaml."""
    if settings.models_file is not None and settings.engine == "transformers":
        try:
            read_models(settings.models_file)
        except Problems as error:
            return list(error.lines)
    return []


def problems_asking(config: pytest.Config, settings: Settings, items: list[pytest.Item]) -> tuple[str, ...]:
    """Say why the model cannot be asked what these items ask."""
    if problem := model_problem(config, settings):
        return (problem,)
    if config.option.collectonly:
        return ()
    cases = [case for item in items if (case := case_of(item)) is not None]
    prompts = {prompt.model_dump_json(): prompt for prompt in (case.prompt.unfilled for case in cases)}.values()
    unasked = (line for one in settings.turns() for line in prompt_problems(one, prompts))
    return (*unasked, *calibration_problems(settings, cases))


def model_problem(config: pytest.Config, settings: Settings) -> str | None:
    """Say what is wrong where the model's weights are not here and cannot be had."""
    if config.option.collectonly:
        return None
    try:
        for one in settings.turns():
            check_engine(one)
    except CosmosError as error:
        return str(error)
    workers = worker_count(config)
    return device_problem(settings, workers) if workers else None


def unpinned_advice(settings: Settings, commit: str) -> str | None:
    """Say in CI how to pin a model that the hub may change; `commit` is what it was this time."""
    if not settings.ci or settings.engine != "transformers":
        return None
    with contextlib.suppress(CosmosError):  # a folder that has gone since
        return pin_advice(locate(settings.model, settings.models_file), commit)
    return None
