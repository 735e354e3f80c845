"""Does a test fail whenever the gate's or the statistics' code is changed? Mutants by mutmut, each in a fork.

    pip install mutmut                               # 3.8, no dependency of this project
    python tools/mutate.py decision comparison       # these modules; none: all
    python tools/mutate.py --state mutants.json      # goes on where it stopped

The tests are collected and run once, and of each is noted which lines it runs. A mutant is a module with one change:
a fork of the process puts the changed code in the place of the original's, and runs the tests that run those lines,
fastest first. The mutant is killed when one fails or hangs. Survivors are printed as diffs; docs/mutants.md says of
each that is known why nothing is lost by it. The exit code is 1 if others survive.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypedDict

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

_BARS = ("test_gate_entries", "test_gate_thresholds", "test_gate_thresholds_told")
_WHOLE = ("test_gate_reasons", "test_gate_fails_closed")
MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "decision": (
        "gate.decision",
        (
            "test_gate_decision",
            "test_gate_shards",
            "test_gate_latency",
            "test_gate_must_pass",
            "test_gate_regression",
            *_WHOLE,
        ),
    ),
    "trust": ("gate.trust", ("test_gate_decision", "test_gate_must_pass", *_WHOLE)),
    "tally": ("gate.tally", ("test_gate_decision", "test_gate_shards", "test_gate_latency", *_WHOLE)),
    "checks": ("gate.checks", ("test_gate_checks_told", "test_gate_checks", *_WHOLE)),
    "regression": ("gate.regression", ("test_gate_regression", "test_gate_regression_told", *_WHOLE)),
    "comparison": (
        "measure.comparison",
        (
            "test_measure_comparison_words",
            "test_measure_comparison",
            "test_measure_pairing",
            "test_gate_regression_told",
        ),
    ),
    "must_pass": ("gate.must_pass", ("test_gate_must_pass",)),
    "too_few": ("gate.too_few", ("test_gate_too_few", "test_gate_checks", "test_gate_regression", "test_cli_power")),
    "likeness": ("gate.likeness", ("test_gate_likeness",)),
    "looser": ("gate.looser", ("test_gate_looser",)),
    "latency": ("gate.latency", ("test_gate_latency",)),
    "waivers": ("gate.waivers", ("test_gate_waivers",)),
    "needs": ("gate.needs", ("test_gate_needs", "test_cli_power")),
    "names": ("gate.names", ("test_gate_names",)),
    "entries": ("gate.entries", _BARS),
    "sense": ("gate.sense", _BARS),
    "thresholds": ("gate.thresholds", _BARS),
    "paired": ("measure.paired", ("test_measure_paired", "test_crosschecks_paired", "test_measure_comparison")),
    "interval": (
        "measure.interval",
        ("test_measure_interval", "test_measure_design_effect", "test_crosschecks_interval"),
    ),
    "power": ("measure.power", ("test_measure_power_edges", "test_measure_power", "test_cli_power")),
}
"""Of each module where it is, and the tests that must notice any change."""


class Ran(TypedDict):
    """What one test did."""

    seconds: float
    lines: set[int]
    """Of the module that it ran."""


RAN: pytest.StashKey[Ran] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    key: str
    """Depends on what is changed alone, not on where in the file."""
    module: str
    text: str
    diff: str
    lines: range
    """Of the original: those of the statement that was changed."""
    name: str
    """What the module calls the function, class or constant that was changed."""
    is_code: bool
    """It is in a function: whoever does not run it notices nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants of what was asked for; return 1 if one survived that is not known."""
    options = _parser().parse_args(arguments)
    quick = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, deadline=None, phases=quick)
    hypothesis.settings.load_profile("mutants")
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    failed = 0
    for name in options.modules or MODULES:
        child = os.fork()
        if child == 0:  # so that each module has only its own tests to import
            code = _try_module(name, Path(options.state))
            sys.stdout.flush()
            os._exit(code)
        failed += os.waitpid(child, 0)[1] != 0
    return int(failed > 0)


def _try_module(name: str, state: Path) -> int:
    trial = _Trial(name, state)
    files = [str(ROOT / "tests" / "unit" / f"{test}.py") for test in MODULES[name][1]]
    quiet = ["-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-o", "addopts=", "-m", "not slow and not gpu"]
    code = pytest.main([*quiet, *files], plugins=[trial])
    return trial.report() if code == 0 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"{', '.join(MODULES)}; none: all")
    parser.add_argument("--state", default="mutants.json", help="where results are kept")
    return parser


class _Trial:
    """A plugin of pytest: runs the collected tests once, then on every mutant."""

    def __init__(self, name: str, state: Path) -> None:
        self._name, self._state = name, state
        self._results: dict[str, str] = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        self._mutants = list(_mutants(name, _file(name).read_text("utf-8")))

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run the tests as they are, then on every mutant."""
        for item in session.items:
            item.stash[RAN] = _traced(item, str(_file(self._name)))
            if session.testsfailed:
                raise session.Failed(f"{item.nodeid} fails without any mutant")
        session.items.sort(key=lambda item: item.stash[RAN]["seconds"])
        gc.collect()
        gc.freeze()  # so that forks share it
        for mutant in self._mutants:
            if self._results.get(mutant.key) != "killed":
                self._results[mutant.key] = self._try(session, mutant)
                self._state.write_text(json.dumps(self._results, indent=0), encoding="utf-8")
        return True

    def _try(self, session: Any, mutant: Mutant) -> str:
        """Run the tests that may notice, in a process of their own."""
        # a constant may have been imported by others
        items = [item for item in session.items if not mutant.is_code or _runs(item, mutant)]
        child = os.fork()
        if child == 0:
            # of the processor's time: others may keep it busy
            most = 10 + int(5 * sum(item.stash[RAN]["seconds"] for item in items))
            resource.setrlimit(resource.RLIMIT_CPU, (most, most))
            os._exit(_fails(session, items, mutant))
        _, status = os.waitpid(child, 0)
        return "killed" if status else "survived"

    def report(self) -> int:
        """Print how many there are, and those that survived."""
        known = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
        survivors = [mutant for mutant in self._mutants if self._results.get(mutant.key) != "killed"]
        unknown = [mutant for mutant in survivors if f"`{mutant.key}`" not in known]
        for mutant in survivors:
            word = "" if mutant in unknown else " (known)"
            print(f"\n{mutant.key}{word}\n{mutant.diff}")
        print(
            f"\n{self._name}: {len(self._mutants)} mutants, {len(self._mutants) - len(survivors)} killed, "
            f"{len(survivors) - len(unknown)} known to change nothing, {len(unknown)} others survived"
        )
        return int(bool(unknown))


def _file(name: str) -> Path:
    return ROOT / "pytest_cosmos" / (MODULES[name][0].replace(".", "/") + ".py")


def _mutants(name: str, code: str) -> Iterator[Mutant]:
    from mutmut.mutation.file_mutation import create_mutations, deep_replace

    module, mutations, *_ = create_mutations(name, code)
    tree, seen = ast.parse(code), set()
    for mutation in mutations:
        text = deep_replace(module, mutation.original_node, mutation.mutated_node).code
        line, diff = _diff(code, text)
        top, innermost = _statements(tree, line)
        changed = "".join(part for part in diff.splitlines() if part[0] in "+-")
        owner = getattr(top, "name", "")
        key = f"{name}-{owner}-{hashlib.sha256(changed.encode()).hexdigest()[:6]}"
        while key in seen:  # the same change of a line that occurs twice
            key += "+"
        seen.add(key)
        lines = range(innermost.lineno, (innermost.end_lineno or innermost.lineno) + 1)
        in_function = any(isinstance(one, ast.FunctionDef) for one in ast.walk(top)) and not _in_class_body(top, line)
        yield Mutant(key, name, text, diff, lines, owner or _target(top), in_function)


def _diff(before: str, after: str) -> tuple[int, str]:
    """Return the first line that was changed, from 1, and all changes."""
    old, new = before.splitlines(), after.splitlines()
    first = next((n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(old) - 1)
    return first + 1, "\n".join(list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:])


def _statements(tree: ast.Module, line: int) -> tuple[ast.stmt, ast.stmt]:
    """Return the outermost and the innermost statement a line belongs to."""
    around = [one for one in ast.walk(tree) if isinstance(one, ast.stmt) and _spans(one, line)]
    return around[0], max(around, key=lambda one: (one.lineno, -(one.end_lineno or one.lineno)))


def _spans(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _in_class_body(top: ast.stmt, line: int) -> bool:
    return isinstance(top, ast.ClassDef) and not any(
        isinstance(one, ast.FunctionDef) and _spans(one, line) for one in top.body
    )


def _target(top: ast.stmt) -> str:
    targets = top.targets if isinstance(top, ast.Assign) else [getattr(top, "target", None)]
    return next((target.id for target in targets if isinstance(target, ast.Name)), "")


def _runs(item: Any, mutant: Mutant) -> bool:
    return any(line in mutant.lines for line in item.stash[RAN]["lines"])


def _traced(item: Any, file: str) -> Ran:
    """Run a test; note its seconds of processor time, and which lines of the file it ran."""
    lines: set[int] = set()

    def on_line(frame: FrameType, event: str, _: object) -> Any:
        lines.add(frame.f_lineno)
        return on_line

    def on_call(frame: FrameType, event: str, _: object) -> Any:
        return on_line(frame, event, _) if frame.f_code.co_filename == file else None

    begun = time.process_time()
    sys.settrace(on_call)
    try:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    finally:
        sys.settrace(None)
    return {"seconds": time.process_time() - begun, "lines": lines}


def _fails(session: Any, items: Sequence[Any], mutant: Mutant) -> int:
    """Put the mutant in place and run the tests until one fails; return 1 where one did."""
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    try:
        _graft(sys.modules[f"pytest_cosmos.{MODULES[mutant.module][0]}"], mutant)
        for item in items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                return 1
    except BaseException:
        return 1
    return 0


def _graft(module: ModuleType, mutant: Mutant) -> None:
    """Change what was imported already: functions in place, constants wherever they were imported by name."""
    changed: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(mutant.text, str(module.__file__), "exec"), changed)
    if not mutant.name:
        return
    old, new = getattr(module, mutant.name), changed[mutant.name]
    if isinstance(old, FunctionType):
        _graft_function(old, new)
    elif isinstance(old, type):
        for name, attribute in vars(new).items():
            if isinstance(attribute, FunctionType) and name in vars(old):
                if name in ("__init__", "__repr__"):  # of a dataclass: what differs is in its closure
                    setattr(old, name, attribute)
                elif not attribute.__code__.co_freevars:
                    _graft_function(vars(old)[name], attribute)
    else:
        for name in (mutant.name, *_made_of(mutant)):
            _graft_constant(name, getattr(module, name), changed[name])
        for name, function in vars(module).items():  # the constant may be the default of a parameter
            if isinstance(function, FunctionType) and function.__module__ == module.__name__ and name in changed:
                _graft_function(function, changed[name])


def _made_of(mutant: Mutant) -> list[str]:
    """Return the constants that were made of the one that is changed."""
    parts = {
        _target(one): {part.id for part in ast.walk(one.value) if isinstance(part, ast.Name)}
        for one in ast.parse(mutant.text).body
        if isinstance(one, ast.Assign | ast.AnnAssign) and one.value
    }
    return [name for name, names in parts.items() if name and name != mutant.name and mutant.name in names]


def _graft_constant(name: str, old: object, new: object) -> None:
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith("pytest_cosmos") and vars(other).get(name) is old:
            setattr(other, name, new)


def _graft_function(old: FunctionType, new: FunctionType) -> None:
    code: CodeType = new.__code__
    old.__code__, old.__defaults__, old.__kwdefaults__ = code, new.__defaults__, new.__kwdefaults__


if __name__ == "__main__":
    raise SystemExit(main())
