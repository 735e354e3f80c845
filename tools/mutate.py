"""Does a test fail whenever the gate's or the statistics' code is changed? Mutants by mutmut, one process each.

    pip install mutmut                               # 3.8, no dependency of this project
    python tools/mutate.py paired checks             # these modules; none: all
    python tools/mutate.py paired --seconds 170      # goes on where it stopped, from --state

Each mutant is a copy of a module with one change. It is killed when one of the module's tests fails or hangs. Left
out are changes of texts with a blank in them: what is said to people is tested by golden files, not word by word.
Survivors are printed as diffs; docs/mutants.md says of each that is known why nothing is lost by it. The exit code is
1 if others survive, or some have not been tried.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "interval": (
        "measure/interval.py",
        ("test_measure_interval", "test_measure_design_effect", "test_crosschecks_interval"),
    ),
    "paired": ("measure/paired.py", ("test_measure_paired", "test_crosschecks_paired", "test_measure_comparison")),
    "comparison": ("measure/comparison.py", ("test_measure_comparison", "test_gate_regression")),
    "power": ("measure/power.py", ("test_measure_power", "test_cli_power")),
    "checks": ("gate/checks.py", ("test_gate_checks", "test_gate_fails_closed")),
    "regression": ("gate/regression.py", ("test_gate_regression", "test_gate_fails_closed")),
    "decision": (
        "gate/decision.py",
        ("test_gate_decision", "test_gate_fails_closed", "test_gate_shards", "test_gate_must_pass"),
    ),
    "must_pass": ("gate/must_pass.py", ("test_gate_must_pass", "test_gate_waivers", "test_gate_fails_closed")),
    "waivers": ("gate/waivers.py", ("test_gate_waivers",)),
    "looser": ("gate/looser.py", ("test_gate_looser",)),
    "likeness": ("gate/likeness.py", ("test_gate_likeness",)),
    "names": ("gate/names.py", ("test_gate_names", "test_gate_thresholds")),
    "sense": ("gate/sense.py", ("test_gate_thresholds", "test_gate_entries")),
    "needs": ("gate/needs.py", ("test_gate_thresholds", "test_gate_entries")),
    "entries": ("gate/entries.py", ("test_gate_entries", "test_gate_thresholds")),
    "thresholds": ("gate/thresholds.py", ("test_gate_thresholds", "test_gate_entries")),
    "too_few": ("gate/too_few.py", ("test_gate_checks", "test_cli_power")),
    "latency": ("gate/latency.py", ("test_gate_latency",)),
}
"""Of each module its file, and the tests that must notice any change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants of what was asked for; return 1 if one survived that is not known, or was not tried."""
    options = _parser().parse_args(arguments)
    state = Path(options.state)
    known: dict[str, str] = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
    excused = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    _warm()
    until = time.monotonic() + options.seconds
    survivors = untried = 0
    for name in options.modules or MODULES:
        file, tests = MODULES[name]
        found = dict(_mutants(name, (ROOT / "pytest_cosmos" / file).read_text(encoding="utf-8")))
        with tempfile.TemporaryDirectory() as folder:
            tree = _copy(Path(folder))
            for key, text in found.items():
                if key not in known and time.monotonic() < until:
                    known[key] = _try(tree, tree / "pytest_cosmos" / file, text, tests)
                    state.write_text(json.dumps(known), encoding="utf-8")
        results = [known.get(key, "not tried") for key in found]
        print(f"{name}: " + ", ".join(f"{results.count(word)} {word}" for word in sorted(set(results))), flush=True)
        untried += results.count("not tried")
        for key in found:
            if known.get(key) == "survived":
                excuse = " (known)" if key in excused else ""
                survivors += not excuse
                print(f"\n{key}{excuse}\n{_diff((ROOT / 'pytest_cosmos' / file).read_text(), found[key])}")
    return 1 if survivors or untried else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"{', '.join(MODULES)}; none: all")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop trying after so long")
    parser.add_argument("--state", default="mutants.json", help="where results are kept")
    return parser


def _mutants(name: str, code: str) -> Iterator[tuple[str, str]]:
    """Yield every mutant's key, which depends on what it changes alone, and its text."""
    import libcst
    from mutmut.mutation.file_mutation import create_mutations, deep_replace

    module, mutations, *_ = create_mutations(name, code)
    for mutation in mutations:
        original = mutation.original_node
        if isinstance(original, libcst.SimpleString) and " " in str(original.evaluated_value):
            continue
        text = deep_replace(module, original, mutation.mutated_node).code
        changed = "\n".join(line for line in _diff(code, text).splitlines() if not line.startswith("@@"))
        yield f"{name}-{hashlib.sha256(changed.encode()).hexdigest()[:8]}", text


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return "\n".join(list(lines)[2:])


def _copy(folder: Path) -> Path:
    for part in ("pytest_cosmos", "tests", "tools", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _warm() -> None:
    """Import what is slow once, before forking; of this package nothing."""
    sys.dont_write_bytecode = True
    import hypothesis
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import statsmodels.api  # noqa: F401

    quick = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, deadline=None, phases=quick)
    hypothesis.settings.load_profile("mutants")


def _try(tree: Path, file: Path, text: str, tests: Sequence[str]) -> str:
    """Run the tests on a mutant in a process of its own."""
    original = file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    child = os.fork()
    if child == 0:
        _run_tests(tree, tests)
    started = time.monotonic()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.02)
        if time.monotonic() - started > 90:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
    file.write_text(original, encoding="utf-8")
    return (tree / "result").read_text() if (tree / "result").exists() else "killed"


def _run_tests(tree: Path, tests: Sequence[str]) -> None:
    """Leave `survived` in the file `result` where no test failed; never return."""
    import pytest

    (tree / "result").unlink(missing_ok=True)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    files = [f"tests/unit/{name}.py" for name in tests]
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *files])
    (tree / "result").write_text("survived" if code == 0 else "killed")
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
