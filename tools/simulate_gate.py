"""Does the gate decide as it claims to? Simulated: runs are made up whose truth is known, and measured and judged.

    python -m tools.simulate_gate                                   # everything: an hour
    python -m tools.simulate_gate intervals power --seed 7          # two sections, with other draws
    python -m tools.simulate_gate --write docs/statistics.md        # put the tables there

The package's own functions do the measuring and judging. Each section ends with the claims it bears out, PASS or
FAIL; after ± stands the Monte-Carlo standard error. The exit code is 1 if any claim failed.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.simulation import comparisons, decisions, intervals, others, power, whole
from tools.simulation.sections import Budget, Section

SECTIONS: dict[str, tuple[Callable[[Budget], Section], int]] = {
    "intervals": (intervals.stated, 4000),
    "designs": (intervals.others, 4000),
    "perfect": (intervals.perfect, 4000),
    "small": (intervals.small, 2000),
    "figures": (intervals.figures, 1000),
    "differences": (comparisons.differences, 1500),
    "alike": (comparisons.alike, 1000),
    "slices": (comparisons.slices, 1000),
    "alike_figures": (comparisons.alike_figures, 700),
    "worse": (comparisons.worse, 800),
    "worse_figures": (comparisons.worse_figures, 400),
    "power": (power.power, 1000),
    "gate": (whole.gate, 300),
    "decisions": (decisions.decisions, 300),
    "sufficient": (decisions.sufficient, 400),
    "calibration": (others.calibration, 2000),
    "latency": (others.latency, 800),
}
"""What can be simulated, with the repetitions of each design that are enough for its claims."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate what was asked for; return 1 if a claim failed."""
    options = _parser().parse_args(arguments)
    met = True
    for name in options.sections or SECTIONS:
        simulate, enough = SECTIONS[name]
        budget = Budget(options.repetitions or enough, options.seed)
        started = time.perf_counter()
        section = simulate(budget)
        seconds = time.perf_counter() - started
        command = f"python -m tools.simulate_gate {name} --seed {budget.seed} --repetitions {budget.repetitions}"
        text = f"{section.markdown()}\n\n`{command}`: {seconds:.0f} s on one core."
        print(text, flush=True)
        if options.write:
            write(Path(options.write), name, text)
        met = met and section.met
    return 0 if met else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; none: all")
    parser.add_argument("--seed", type=int, default=1, help="of all draws")
    parser.add_argument("--repetitions", type=int, help="of each design; default: enough for the claims")
    parser.add_argument("--write", metavar="FILE", help="put each table between its markers in this file")
    return parser


def write(file: Path, name: str, text: str) -> None:
    """Replace what stands between a section's markers, `<!-- simulated: NAME -->` and `<!-- end: NAME -->`."""
    start, end = f"<!-- simulated: {name} -->", f"<!-- end: {name} -->"
    old = file.read_text(encoding="utf-8")
    new, found = re.subn(f"{start}.*?{end}", lambda _: f"{start}\n{text}\n{end}", old, flags=re.DOTALL)
    if not found:
        raise SystemExit(f"{file} has no place for it: {start} … {end}")
    file.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
