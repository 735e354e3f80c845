"""Options, ini values and environment -> one frozen Settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.plugin.options import INI, OPTIONS

if TYPE_CHECKING:
    import argparse

    from pytest_cosmos.settings import EngineName, Settings

from pytest_cosmos.plugin.workers import EARLIER_RUNS


def cases_folder(config: pytest.Config) -> Path:
    """Return the folder whose subfolders are suites."""
    return _path(config, "cases") or config.rootpath / "cases"


_AS_GIVEN = (
    "limit", "seed", "shard", "time_budget", "strict", "allow_partial", "fresh", "replay_only", "batch_size", "repeats",
)  # fmt: skip
"""Settings that are what the option says."""

_IF_GIVEN = (
    "latency_rounds", "device", "dtype", "attention", "quantize", "max_new_tokens", "family", "sampling",
    "media_transport", "timeout", "split",
)  # fmt: skip
"""Settings that keep their default where the option is not given."""

_FOR_ENGINE: dict[str, EngineName] = {
    **dict.fromkeys(("adapter", "quantize", "attention", "dtype", "device", "threads", "batch_size"), "transformers"),
    **dict.fromkeys(("endpoint", "concurrency", "timeout", "media_transport"), "endpoint"),
    "replies": "scripted",
}
"""Options that only one engine obeys: given for another, the run would not be what its command line says."""

_LEFT_OPEN = ("auto", "none")
"""Values that ask nothing of an engine."""

_AT_THE_SERVER = {
    "adapter": "Load it on the server, and name it there by --model.",
    "batch_size": "The server makes its batches; requests at a time are --cosmos-concurrency.",
    "threads": "The server decides it.",
}
"""What to do instead where the engine is endpoint; for the others the server is to be told."""


def make_settings(config: pytest.Config) -> Settings:
    """Make the Settings; OptionError where a value cannot be obeyed."""
    from pytest_cosmos.settings import Settings

    option = config.option
    default = Settings(root=config.rootpath, cases=Path(), thresholds=None, reports=Path())
    engine = _engine(config, default.engine)
    # a server has its own names for models: none is taken for granted
    usual = config.getini("cosmos_model") or ("" if engine == "endpoint" else default.model)
    *baselines, model = option.cosmos_model or [usual]
    reports = _path(config, "reports") or config.rootpath / "reports"
    given: dict[str, Any] = {name: getattr(option, f"cosmos_{name}") for name in (*_AS_GIVEN, *_IF_GIVEN)}
    return Settings(
        root=config.rootpath,
        cases=cases_folder(config),
        thresholds=_thresholds(config),
        reports=reports,
        store=_store(config, engine, reports),
        model=model,
        baselines=tuple(baselines),
        adapter=_path(config, "adapter"),
        compare_base=_compare_base(config),
        **earlier_runs(config, reports),
        models_file=_models_file(config),
        engine=engine,
        replies=_path(config, "replies"),
        prompt_file=_prompt_file(config),
        suites=tuple(dict.fromkeys(option.cosmos_suite)),
        gate=not option.cosmos_no_gate,
        threads=option.cosmos_threads or _threads(config),
        ci=os.environ.get("CI", "").lower() not in ("", "0", "false"),
        endpoint=_endpoint(config) if engine == "endpoint" else "",
        concurrency=_concurrency(config) if engine == "endpoint" else None,
        calibration=None if option.cosmos_calibration == "none" else _path(config, "calibration"),
        check_determinism=_check_determinism(config),
        **{name: value for name, value in given.items() if value or name in _AS_GIVEN},
    )


def _engine(config: pytest.Config, default: EngineName) -> EngineName:
    """Return which engine it is; OptionError where there is none such, or options belong to another."""
    from pytest_cosmos.errors import OptionError
    from pytest_cosmos.settings import ENGINES

    option = config.option
    asked = option.cosmos_engine or ("endpoint" if option.cosmos_endpoint else "")
    named = asked or config.getini("cosmos_engine") or default
    engine = next((known for known in ENGINES if known == named), None)
    if engine is None:
        raise OptionError(f"cosmos_engine = {named}: unknown engine. Engines: {', '.join(ENGINES)}.")
    if engine == "scripted" and _path(config, "replies") is None:
        raise OptionError("--engine scripted needs --cosmos-replies FILE (what it is to say, as YAML).")
    if foreign := [_foreign(option, name, engine) for name in _FOR_ENGINE if _is_foreign(option, name, engine)]:
        raise OptionError("\n".join(foreign))
    return engine


def _is_foreign(option: argparse.Namespace, name: str, engine: EngineName) -> bool:
    given = getattr(option, f"cosmos_{name}")
    return bool(given) and given not in _LEFT_OPEN and _FOR_ENGINE[name] != engine


def _foreign(option: argparse.Namespace, name: str, engine: EngineName) -> str:
    """Say which option the engine has no use for, and what to do."""
    short = any(known.short for known in OPTIONS if known.dest == f"cosmos_{name}")
    shown = f"--{'' if short else 'cosmos-'}{name.replace('_', '-')}"
    advice = "Name that engine, or leave the option out."
    if engine == "endpoint" and name != "replies":
        advice = _AT_THE_SERVER.get(name, "The server decides it: give it to the server when that is started.")
    return f"{shown} is for --engine {_FOR_ENGINE[name]}, but the engine is {engine}. {advice}"


def _check_determinism(config: pytest.Config) -> bool:
    """Tell whether some cases are asked again alone; OptionError where that could not show anything."""
    from pytest_cosmos.errors import OptionError

    option = config.option
    against = (
        "--cosmos-replay-only asks nothing" if option.cosmos_replay_only
        else "--cosmos-sampling published draws the words anew each time" if option.cosmos_sampling == "published"
        else ""
    )  # fmt: skip
    if option.cosmos_check_determinism and against:
        raise OptionError(
            f"--cosmos-check-determinism asks some cases again alone, but {against}. Leave one of them out."
        )
    return bool(option.cosmos_check_determinism)


def _compare_base(config: pytest.Config) -> bool:
    from pytest_cosmos.errors import OptionError

    if config.option.cosmos_compare_base and not config.option.cosmos_adapter:
        raise OptionError("--cosmos-compare-base compares a model with and without its adapter: add --adapter DIR.")
    return bool(config.option.cosmos_compare_base)


def earlier_runs(config: pytest.Config, reports: Path) -> dict[str, Any]:
    """Find the runs that this one is compared with or takes its cases from; RunFolderError where they are not there.

    Workers are told: when one starts, `reports/latest` may already lead to the new run.
    """
    told: dict[str, Any] | None = getattr(config, "workerinput", {}).get(EARLIER_RUNS)
    if told is not None:
        return {"baseline": told["baseline"], "only": tuple(told["only"]) if told["only"] else None}
    baseline, only = config.option.cosmos_baseline or config.getini("cosmos_baseline"), config.option.cosmos_only
    if not (baseline or only):
        return {}
    from pytest_cosmos.runlog import NONE, chosen_cases, chosen_run, find_baseline, refuse_mixed_splits

    start = config.invocation_params.dir
    if baseline not in ("", NONE):
        found = find_baseline(baseline, config.rootpath, start, reports)
        refuse_mixed_splits(found, config.option.cosmos_split or "test")
        baseline = str(found.path)
    if only is not None:
        which, named = only
        run = chosen_run(which, named, start, reports)
        chosen_cases(run, which)
        only = which, str(run.path)
    return {"baseline": baseline, "only": only}


def _endpoint(config: pytest.Config) -> str:
    """Find the server's URL and check its form."""
    from pytest_cosmos.engines.endpoint_address import read_address

    named = config.option.cosmos_endpoint or os.environ.get("COSMOS_ENDPOINT") or config.getini("cosmos_endpoint")
    return read_address(str(named or "")).url


def _concurrency(config: pytest.Config) -> int:
    """Share the requests at a time out among xdist's workers."""
    from pytest_cosmos.errors import OptionError
    from pytest_cosmos.settings import MOST_REQUESTS

    most: int = config.option.cosmos_concurrency or MOST_REQUESTS
    worker = getattr(config, "workerinput", None)
    workers = int(worker["workercount"]) if worker else getattr(config.option, "numprocesses", None)
    if not isinstance(workers, int) or workers <= 1:
        return most
    if most < workers:
        raise OptionError(
            f"--cosmos-concurrency {most}: less than one request for each of the {workers} workers. Write: -n {most}"
        )
    return most // workers


def check_settings(config: pytest.Config) -> None:
    """Raise UsageError where the settings cannot be obeyed."""
    from pytest_cosmos.errors import CosmosError

    try:
        make_settings(config)
    except CosmosError as error:
        raise pytest.UsageError(str(error)) from None


def _path(config: pytest.Config, name: str) -> Path | None:
    """Read a path: of the command line relative to where pytest was started, of the ini file to the rootdir."""
    given: str | None = getattr(config.option, f"cosmos_{name}")
    if given:
        return config.invocation_params.dir / given
    ini = config.getini(f"cosmos_{name}") if name in INI else ""
    return config.rootpath / ini if ini else None


def _store(config: pytest.Config, engine: str, reports: Path) -> Path | None:
    """Return the reply store's file; OptionError where the options about it cannot all be obeyed."""
    from pytest_cosmos.errors import OptionError

    option = config.option
    named = option.cosmos_store or config.getini("cosmos_store")
    file = None if named == "none" else _path(config, "store") or reports / "store" / "replies.sqlite"
    if file is not None and file.suffix != ".sqlite":  # a slip must not make some other file a damaged store
        raise OptionError(f"--cosmos-store {named}: must be a file named *.sqlite, or none.")
    if option.cosmos_replay_only:
        against = (
            "--fresh asks every case" if option.cosmos_fresh
            else "--cosmos-store none leaves nothing to replay" if file is None
            else "what the scripted engine says is not stored" if engine == "scripted"
            else ""
        )  # fmt: skip
        if against:
            raise OptionError(f"--cosmos-replay-only asks nothing, but {against}. Leave one of them out.")
    return file


def _thresholds(config: pytest.Config) -> Path | None:
    """Return the thresholds file; None: there is none, or the split asked is not the one that it is about."""
    from pytest_cosmos.errors import OptionError

    split = config.option.cosmos_split or "test"
    if split != "test":
        if config.option.cosmos_thresholds:
            raise OptionError(
                f"--cosmos-thresholds {config.option.cosmos_thresholds}: thresholds hold for the test split, but "
                f"--cosmos-split {split} is only measured. Leave one of them out."
            )
        return None

    asked = _path(config, "thresholds")
    if asked is None:
        usual = config.rootpath / "thresholds.yaml"
        return usual if usual.is_file() else None
    if not asked.is_file():
        raise OptionError(
            f"thresholds file {asked} (--cosmos-thresholds, or cosmos_thresholds in the ini file): not there."
        )
    return asked


def _prompt_file(config: pytest.Config) -> Path | None:
    from pytest_cosmos.errors import OptionError

    path = _path(config, "prompt")
    if path is not None and not path.is_file():
        raise OptionError(f"--cosmos-prompt {config.option.cosmos_prompt}: there is no such file ({path}).")
    return path


def _models_file(config: pytest.Config) -> Path | None:
    usual = config.rootpath / "models.yaml"
    return usual if usual.is_file() else None


def _threads(config: pytest.Config) -> int:
    """Share the processors out among xdist's workers; alone, leave one to the tests.

    Measured on 2 cores with the embedded model, 1,200 cases: 5.6 s (median of 6) with one thread, 7.0 s with two.
    """
    cores = os.cpu_count() or 1
    worker = getattr(config, "workerinput", None)
    return max(1, cores - 1 if worker is None else cores // int(worker["workercount"]))
