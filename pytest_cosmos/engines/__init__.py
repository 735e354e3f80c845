"""Case -> Reply: engines, one Protocol (`base.Engine`), and the plan that drives one ahead of the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_cosmos.engines.base import Engine
from pytest_cosmos.engines.devices import device_environment, device_problem
from pytest_cosmos.engines.plan import Plan, Progress, error_reply
from pytest_cosmos.engines.process import EngineProcess, ProcessEngine
from pytest_cosmos.engines.stored import StoredEngine
from pytest_cosmos.errors import CosmosError, OptionError
from pytest_cosmos.records import ModelRecord, Prompt
from pytest_cosmos.settings import Settings

__all__ = [
    "Engine",
    "EngineProcess",
    "Plan",
    "ProcessEngine",
    "Progress",
    "StoredEngine",
    "check_engine",
    "device_environment",
    "device_problem",
    "error_reply",
    "foretold",
    "make_engine",
    "prompt_problems",
]


def make_engine(settings: Settings, folders: Mapping[str, Path]) -> Engine:
    """Return the engine the settings ask for, not yet loaded; `folders` maps suite name to its folder."""
    if settings.engine == "scripted":
        from pytest_cosmos.engines.scripted import ScriptedEngine

        if settings.replies is None:
            raise OptionError("--engine scripted needs --cosmos-replies FILE (what it is to say, as YAML).")
        return ScriptedEngine(settings.replies, repeat=settings.repeat, alone=settings.batch_size == 1)
    if settings.engine == "endpoint":
        from pytest_cosmos.engines.endpoint import EndpointEngine

        return EndpointEngine(settings, folders)
    from pytest_cosmos.engines.transformers import TransformersEngine

    return TransformersEngine(settings, folders)


def foretold(settings: Settings) -> ModelRecord | None:
    """Describe what will answer, as far as it is known before anything is loaded; None: there is no telling."""
    from pytest_cosmos.engines.store_key import identify

    if settings.engine == "scripted":
        return ModelRecord(name="scripted", engine="scripted")
    try:
        identity = identify(settings)
    except (CosmosError, OSError, ValueError):
        return None  # the engine, when it is loaded, says what is wrong
    if identity is None:
        return None
    record = identity.provisional()
    return record.model_copy(update={"name": record.name or str(identity.parts.get("model", ""))})


def prompt_problems(settings: Settings, prompts: Iterable[Prompt]) -> tuple[str, ...]:
    """Say which prompts cannot be asked as the model's family wants it; a CosmosError where the model is not known."""
    from pytest_cosmos.engines.store_key import identify
    from pytest_cosmos.prompting import FAMILIES, prompt_problem

    identity = identify(settings)
    if identity is None:  # scripted: nothing is asked
        return ()
    family = FAMILIES[identity.family]
    return tuple(problem for prompt in prompts if (problem := prompt_problem(family, prompt)))


def check_engine(settings: Settings) -> None:
    """Raise a CosmosError where the engine cannot answer: no weights to be had, no server, no script."""
    if settings.engine == "scripted":
        from pytest_cosmos.engines.scripted import read_script

        if settings.replies is not None:
            read_script(settings.replies)
    elif settings.replay_only:
        from pytest_cosmos.engines.store_key import identify

        identify(settings)
    elif settings.engine == "endpoint":
        from pytest_cosmos.engines.endpoint import check_endpoint

        check_endpoint(settings)
    else:
        from pytest_cosmos.engines.models import fetch, locate
        from pytest_cosmos.engines.transformers_load import check_quantization

        check_quantization(settings.quantize)
        fetch(locate(settings.model, settings.models_file))
        if settings.adapter is not None:
            from pytest_cosmos.engines.transformers_adapter import check_adapter

            check_adapter(settings.adapter)
