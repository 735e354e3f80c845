"""`--cosmos-calibration`: whether its temperatures belong to the model and the prompts that are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_cosmos.engines import foretold
from pytest_cosmos.errors import CosmosError
from pytest_cosmos.records import Case, ModelRecord, Temperature
from pytest_cosmos.runlog import read_temperatures

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings


def calibration_problems(settings: Settings, cases: Iterable[Case]) -> Iterator[str]:
    """Say why the temperatures cannot be used, as far as is known before a model is loaded."""
    if settings.calibration is None:
        return
    option = f"--cosmos-calibration {settings.calibration}"
    try:
        file = read_temperatures(settings.calibration)
    except CosmosError as error:
        yield str(error)
        return
    model = foretold(settings.turns()[-1])
    if model is not None and (misfit := file.misfit(model)):
        yield f"{option}: {misfit}. Fit one on a run of this model: pytest-cosmos calibrate RUN"
    known = {(one.suite, one.prompt): one for one in file.temperatures}
    asked = {(case.suite, case.prompt.name): case.prompt for case in cases}
    for name, prompt in asked.items():
        one = known.get(name)
        if one is None:
            names = ", ".join("/".join(key) for key in known)
            yield f"{option}: fitted on {file.label}, has no temperature for prompt {'/'.join(name)}. It has: {names}."
        elif one.prompt_digest != prompt.digest:
            yield (
                f"{option}: fitted on {file.label}, was fitted on another version of prompt {'/'.join(name)} "
                f"({one.prompt_digest[:12]}; now {prompt.digest[:12]}). Fit it anew: pytest-cosmos calibrate RUN"
            )


def temperatures_for(settings: Settings, model: ModelRecord) -> tuple[tuple[Temperature, ...], str]:
    """Return the temperatures for what has answered, or else why they are not of it."""
    if settings.calibration is None:
        return (), ""
    try:
        file = read_temperatures(settings.calibration)
    except CosmosError as error:  # gone since it was looked at
        return (), str(error)
    misfit = file.misfit(model)
    return ((), misfit) if misfit else (file.temperatures, "")
