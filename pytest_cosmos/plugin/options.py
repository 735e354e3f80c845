"""The options and ini values; `configure` makes Settings of them.

Every option is `--cosmos-…`. The names people type (`--model`, `--suite`, …) are aliases that step aside: they are
added only after the initial conftests are loaded, and only where nobody else defines that name, so that
installing this plugin never breaks a project with a `--model` of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_cosmos.plugin.root import refuse_moved_root, refuse_value_as_root


@dataclass(frozen=True, slots=True)
class Option:
    """One command line option, and the short alias that it may have."""

    name: str
    keywords: dict[str, Any]
    short: bool = False

    @property
    def dest(self) -> str:
        """The attribute of `config.option`."""
        return f"cosmos_{self.name.replace('-', '_')}"

    @property
    def takes_value(self) -> bool:
        """Whether the next word of the command line belongs to it."""
        return self.keywords.get("action") != "store_true"


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    with contextlib.suppress(ValueError):
        if int(text) >= 1:
            return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' must be a whole number of at least 1")


def several(text: str) -> int:
    """Read a whole number of at least 2."""
    with contextlib.suppress(ValueError):
        if int(text) >= 2:
            return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' must be a whole number of at least 2: one repeat shows nothing")


def shard(text: str) -> tuple[int, int]:
    """Read `K/N`, one part of N."""
    match = _SHARD.fullmatch(text)
    if match is not None and int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    raise argparse.ArgumentTypeError(
        f"'{text}' is no shard. Write K/N with 1 <= K <= N, e.g. 2/4 for the second of four parts"
    )


def duration(text: str) -> float:
    """Read a time: seconds, or hours, minutes and seconds with their letters."""
    match = _DURATION.fullmatch(text)
    parts = match.groups() if match is not None else ()
    total = sum(float(part or 0) * unit for part, unit in zip(parts, (3600, 60, 1, 1), strict=False))
    if total > 0:
        return total
    raise argparse.ArgumentTypeError(f"'{text}' is no time above 0. Write seconds, or e.g. 90s, 10m, 1h30m")


def only(text: str) -> tuple[str, str]:
    """Read `WHICH` or `WHICH:RUN`: cases of an earlier run."""
    which, _, run = text.partition(":")
    if which in ONLY:
        return which, run
    raise argparse.ArgumentTypeError(
        f"'{text}' chooses no cases. Write one of {', '.join(ONLY)}, or with the run that is meant: wrong:RUN"
    )


ONLY = ("wrong", "unparsed", "error", "broken", "fixed")

_SHARD = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")
_DURATION = re.compile(r"(?=.)(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?|([0-9]+(?:\.[0-9]+)?)")

OPTIONS = (
    Option(
        "model",
        {"metavar": "NAME", "action": "append", "default": [],
         "help": "Model to ask: tiny (default), reason1, reason2, reason2-8b, reason2-32b, a name of models.yaml, a "
         "Hugging Face id or a folder; each with @revision. Given several times: the last is asserted and gated, those "
         "before it are asked the same and measured"},
        short=True,
    ),
    Option("adapter", {"metavar": "DIR", "help": "LoRA adapter on the (last) model, as peft saves it"}, short=True),
    Option("baseline", {"metavar": "RUN", "help": "Compare with this run: a saved baseline (pytest-cosmos baseline), a "
                        "run folder, or none, to leave out the regression thresholds"}, short=True),
    Option("compare-base", {"action": "store_true", "default": False,
                            "help": "Ask the model without its --adapter too, first, and compare"}),
    Option("only", {"metavar": "WHICH[:RUN]", "type": only,
                    "help": f"Ask only these cases of an earlier run (default: the latest): {', '.join(ONLY)} "
                    "(a partial run)"}),
    Option(
        "suite",
        {"metavar": "NAME", "action": "append", "default": [],
         "help": "Run only this suite, and answer for it. Can be given several times."},
        short=True,
    ),
    Option("limit", {"metavar": "N", "type": positive,
                     "help": "Ask at most N samples a suite, drawn by label (a partial run)"}, short=True),
    Option("shard", {"metavar": "K/N", "type": shard,
                     "help": "Ask only the K-th of N parts of the samples; pytest-cosmos merge joins and gates them"},
           short=True),
    Option("engine", {"choices": ("transformers", "endpoint", "scripted"), "help": "What runs the model"}, short=True),
    Option("endpoint", {"metavar": "URL", "help": "OpenAI-compatible server to ask, up to /v1 (vLLM, NIM, SGLang, "
           "transformers serve); --model is the name at the server"}, short=True),
    Option("allow-partial", {"action": "store_true", "default": False,
                             "help": "Let a run that lacks cases exit 0 if no bar is missed"}, short=True),
    Option("time-budget", {"metavar": "TIME", "type": duration,
                           "help": "Ask nothing more after this time: seconds, or 90s, 10m, 1h30m (a partial run)"}),
    Option("fresh", {"action": "store_true", "default": False,
                     "help": "Ask every case again, whatever the reply store holds"}, short=True),
    Option("replay-only", {"action": "store_true", "default": False,
                           "help": "Ask nothing: a case that the reply store does not hold is an error"}),
    Option("store", {"metavar": "FILE",
                     "help": "The reply store (default: store/replies.sqlite of the reports), or none"}),
    Option("replies", {"metavar": "FILE", "help": "What the scripted engine says, as YAML"}),
    Option("prompt", {"metavar": "FILE", "help": "Replace the system and user text of every prompt by those of a YAML "
                      "file in the Cosmos form (system_prompt, user_prompt)"}),
    Option("strict", {"action": "store_true", "default": False, "help": "A wrong answer fails its test"}),
    Option("repeats", {"metavar": "K", "type": several, "default": 0,
                       "help": "Ask each case K more times (2 or more) with sampling on, to see whether the answer is "
                       "stable; the greedy answer alone is asserted and gated"}),
    Option("calibration", {"metavar": "FILE", "help": "Scale confidences by the temperatures that pytest-cosmos "
                           "calibrate fitted, before figures are made of them; none: as the model says them"}),
    Option("check-determinism", {"action": "store_true", "default": False,
                                 "help": "Ask some cases again alone, to see whether the batch changes the answer"}),
    Option("split", {"choices": ("test", "validation", "train"),
                     "help": "Which split of the suites is asked (default: test); another is measured only"}),
    Option("no-gate", {"action": "store_true", "default": False,
                       "help": "Measure only: hold against no threshold"}),
    Option("thresholds", {"metavar": "FILE", "help": "Thresholds (default: thresholds.yaml of the project)"}),
    Option("cases", {"metavar": "DIR", "help": "Folder of suites (default: cases)"}),
    Option("reports", {"metavar": "DIR", "help": "Where runs are written (default: reports)"}),
    Option("seed", {"metavar": "N", "type": int, "default": 0,
                    "help": "Seed of --limit and of --cosmos-repeats (default: 0)"}),
    Option("device", {"metavar": "NAME", "help": "Where the model runs: auto (default), cpu, cuda, cuda:1, …"}),
    Option("attention", {"metavar": "NAME", "help": "Implementation of attention: auto (default: by models.yaml, or "
                         "else sdpa), eager, flash_attention_2, … as transformers names them"}),
    Option("quantize", {"choices": ("none", "int8", "int4"),
                        "help": "Bring the weights to fewer bits while they are loaded (bitsandbytes)"}),
    Option("dtype", {"choices": ("auto", "float32", "bfloat16", "float16"),
                     "help": "Number format of the weights: auto (default) as models.yaml says, or else as the "
                     "checkpoint does; float32 on a CPU"}),
    Option("batch-size", {"metavar": "N", "type": positive, "help": "Cases at a time (default: found by itself)"}),
    Option("max-new-tokens", {"metavar": "N", "type": positive, "help": "Cut replies off here (default: 4096)"}),
    Option("family", {"choices": ("auto", "reason2", "reason1", "generic"),
                      "help": "How the model is asked and read: auto (default) as models.yaml says, or else by what "
                      "it is"}),
    Option("sampling", {"choices": ("greedy", "published"),
                        "help": "Greedy decoding (default), or what the model's publisher states, seeded"}),
    Option("concurrency", {"metavar": "N", "type": positive,
                           "help": "Requests to the endpoint at a time, at most (default: 64; found by itself below)"}),
    Option("timeout", {"metavar": "SECONDS", "type": duration,
                       "help": "Time in which the endpoint must have answered a case; one request may take half "
                       "of it (default: 600)"}),
    Option("media-transport", {"choices": ("data", "path"),
                               "help": "Send media inside the request (default), or as a path that the server reads"}),
    Option("latency-rounds", {"metavar": "N", "type": positive,
                              "help": "Rounds in which --suite latency measures each benchmark (default: 20)"}),
    Option("threads", {"metavar": "N", "type": positive, "help": "CPU threads (default: all cores but one)"}),
)  # fmt: skip

INI = {
    "calibration": "Default of --cosmos-calibration, relative to the rootdir",
    "model": "Default of --model",
    "engine": "Default of --engine",
    "baseline": "Default of --baseline",
    "endpoint": "Default of --endpoint; the environment variable COSMOS_ENDPOINT comes before it",
    "cases": "Folder of suites, relative to the rootdir (default: cases)",
    "thresholds": "Thresholds file, relative to the rootdir (default: thresholds.yaml)",
    "reports": "Where runs are written, relative to the rootdir (default: reports)",
    "store": "The reply store, relative to the rootdir (default: store/replies.sqlite of the reports), or none",
    "tests": "Folder of the tests that ask the model, such as benchmarks: a run asked for it answers for every suite "
    "of the thresholds, even if no such test is collected",
}


def add_options(parser: pytest.Parser) -> None:
    """Add the long options and the ini values."""
    group = parser.getgroup("cosmos", "vision-language model release gate (pytest-cosmos)")
    for option in OPTIONS:
        group.addoption(f"--cosmos-{option.name}", dest=option.dest, **option.keywords)
    for name, text in INI.items():
        parser.addini(f"cosmos_{name}", text, default="")


def without_values(args: Sequence[str], taking: Collection[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Split a command line into what is left without these options, and pairs of an option and its value apart."""
    kept: list[str] = []
    pairs: list[tuple[str, str]] = []
    words = iter(args)
    for word in words:
        if word == "--":
            kept += [word, *words]
        elif word in taking:
            pairs.append((word, next(words, "")))
        elif word.partition("=")[0] not in taking:
            kept.append(word)
    return kept, pairs


def without_aliases(args: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Take the short options off a command line, as `without_values`.

    Before the aliases exist pytest would take `./ckpt` of `--model ./ckpt` for a test path and execute
    `./ckpt/conftest.py`; a checkpoint is data.
    """
    kept, pairs = without_values(
        args, {f"--{option.name}" for option in OPTIONS if option.short and option.takes_value}
    )
    flags = {f"--{option.name}" for option in OPTIONS if option.short and not option.takes_value}
    return [word for word in kept if word not in flags], pairs


@contextlib.contextmanager
def short_aliases(early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> Iterator[None]:
    """Hide the short options while the initial conftests are loaded, then add those that nobody has taken."""
    kept, pairs = without_aliases(args)
    refuse_value_as_root(early_config, pairs)
    known = early_config.known_args_namespace
    known.file_or_dir = parser.parse_known_args(kept).file_or_dir
    yield
    ours = {f"--cosmos-{option.name}" for option in OPTIONS if option.takes_value}
    group = parser.getgroup("cosmos")
    for option in OPTIONS:
        if option.short:
            # the name is taken: the project keeps it, ours is --cosmos-… alone
            with contextlib.suppress(ValueError, argparse.ArgumentError):
                keywords = {**option.keywords, "help": f"Same as --cosmos-{option.name}"}
                group.addoption(f"--{option.name}", dest=option.dest, **keywords)
                ours |= {f"--{option.name}"} if option.takes_value else set()
    words = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, early_config.invocation_params.args)]
    rest, pairs = without_values(words, ours)
    refuse_moved_root(early_config, parser.parse_known_args(rest), pairs)


def asked_explicitly(config: pytest.Config) -> bool:
    """Tell whether the command line asks for us: by an option, or by the folder that the ini value names.

    Then the run must answer for something, whatever is collected.
    """
    by_option = any(
        getattr(config.option, option.dest, None) not in (None, [], False, option.keywords.get("default"))
        for option in OPTIONS
    )
    return by_option or _asks_for_tests_folder(config)


def _asks_for_tests_folder(config: pytest.Config) -> bool:
    named = config.getini("cosmos_tests")
    if not named or hasattr(config, "workerinput"):
        return False
    folder = config.rootpath / named
    asked = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
    return any(path.is_dir() and (path.is_relative_to(folder) or folder.is_relative_to(path)) for path in asked)


def configured_in_ini(config: pytest.Config) -> bool:
    """Tell whether the ini file sets any value of ours."""
    return any(config.getini(f"cosmos_{name}") for name in INI)
