"""How fast the inference phase is, against the least and the most that can be expected of the same model.

    python benchmarks/perf/inference.py [--model tiny] [--threads 1 2] [--samples 300] [--plain 60] [--rounds 3]

One table from one run, on the test split of the shipped suite:

- plain:   a loop of one plain `generate` per case, as transformers' documentation writes it (on a stated subset);
- ideal:   everything preloaded as tensors, the best batch size, shared prefix, all by transformers' `generate`;
- engine:  this plugin's engine: files in, replies with text, reasoning and confidence out;
- process: `pytest` as a user starts it, from the start of the process to its end; its own inference phase; and the
  time to its first verdict. Its inference phase goes from the order to answer, when the model is loaded, to the last
  reply, so it holds the small first batch, and whatever the tests that run beside it cost the model.

The ways take turns, and of each the best round counts: other work on the machine then does least harm.
A script that prints ratios, no test: what a machine is busy with beside is not known.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pytest_cosmos.engines.models import locate  # noqa: E402
from pytest_cosmos.engines.transformers import TransformersEngine  # noqa: E402
from pytest_cosmos.engines.transformers_generate import cache_name  # noqa: E402
from pytest_cosmos.engines.transformers_load import Loaded, load  # noqa: E402
from pytest_cosmos.media import load_image  # noqa: E402
from pytest_cosmos.prompting import messages  # noqa: E402
from pytest_cosmos.records import Case  # noqa: E402
from pytest_cosmos.settings import Settings  # noqa: E402
from pytest_cosmos.suites import limit_samples, read_suite  # noqa: E402

SUITE = ROOT / "cases" / "floor_cracks"
SAMPLES_AT_A_TIME = (16, 32, 48, 64)


@dataclass
class Fastest:
    """The best round of each way of doing it."""

    rates: dict[str, float] = field(default_factory=dict)
    """Cases per second."""
    processor: dict[str, float] = field(default_factory=dict)
    """Processor seconds a case, all threads together: what other work on the machine disturbs least."""

    def run(self, name: str, cases: int, work: Callable[[], object]) -> None:
        """Time one round."""
        started, used = time.perf_counter(), time.process_time()
        work()
        used, spent = time.process_time() - used, time.perf_counter() - started
        self.rates[name] = max(self.rates.get(name, 0.0), cases / spent)
        self.processor[name] = min(self.processor.get(name, used), used / cases)


def main() -> None:
    options = arguments()
    cases = limit_samples(read_suite(SUITE).cases("test"), options.samples, seed=0)
    print(f"{SUITE.name}: {len(cases)} cases; {options.plain} of them for the plain loop; {torch.__version__=}")
    for threads in options.threads:
        fastest = in_process(options, cases, threads)
        print_rates(fastest, threads)
        if not options.no_process:
            print_process(options, len(cases), threads, fastest)


def in_process(options: argparse.Namespace, cases: Sequence[Case], threads: int) -> Fastest:
    settings = Settings(
        root=ROOT,
        cases=SUITE.parent,
        thresholds=None,
        reports=ROOT,
        model=options.model,
        threads=threads,
        max_new_tokens=options.tokens,
    )
    engine = TransformersEngine(settings, {SUITE.name: SUITE})
    engine.load()
    loaded = load(locate(options.model), settings)
    best = best_size(loaded, cases)
    preloaded = list(preload(loaded, cases, best))
    list(engine.answer(cases[:24]))
    fastest = Fastest()
    for _ in range(options.rounds):
        fastest.run(f"ideal ({best} samples at a time)", len(cases), lambda: ideal(loaded, preloaded))
        fastest.run("engine", len(cases), lambda: list(engine.answer(cases)))
        subset = cases[: options.plain]
        fastest.run("plain", len(subset), lambda: [plain(loaded, case) for case in subset])  # noqa: B023
    engine.close()
    return fastest


def plain(loaded: Loaded, case: Case) -> str:
    """Answer one case as transformers' documentation does."""
    chat = messages(loaded.family, case.prompt)
    text = loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    image = load_image(SUITE / case.sample.media[0])
    inputs = loaded.processor(text=[text], images=[image], return_tensors="pt").to(loaded.model.device)
    output = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=loaded.max_new_tokens)
    return str(loaded.processor.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def preload(loaded: Loaded, cases: Sequence[Case], samples: int) -> Iterator[dict[str, Any]]:
    """Make the tensors of batches of so many samples, each with all its prompts, on the model's device."""
    prompts = {case.prompt.name: case.prompt for case in cases}.values()
    files = list(dict.fromkeys(case.sample.media[0] for case in cases))
    texts = [
        loaded.processor.apply_chat_template(
            messages(loaded.family, prompt), tokenize=False, add_generation_prompt=True
        )
        for prompt in prompts
    ]
    mark = "<|vision_end|>"
    prefix = texts[0][: texts[0].index(mark) + len(mark)]
    tokenizer = loaded.processor.tokenizer
    ends = tokenizer(
        [text.removeprefix(prefix) for text in texts], padding=True, padding_side="left", return_tensors="pt"
    )
    for start in range(0, len(files), samples):
        images = [load_image(SUITE / file) for file in files[start : start + samples]]
        media = loaded.processor(
            text=[prefix] * len(images), images=images, padding=True, padding_side="left", return_tensors="pt"
        )
        rows = torch.arange(len(images)).repeat_interleave(len(texts))
        yield {
            "media": media.to(loaded.model.device),
            "rows": rows.to(loaded.model.device),
            "ids": torch.cat([media["input_ids"][rows], ends["input_ids"].repeat(len(images), 1)], 1),
            "mask": torch.cat([media["attention_mask"][rows], ends["attention_mask"].repeat(len(images), 1)], 1),
        }


@torch.inference_mode()
def ideal(loaded: Loaded, batches: Sequence[dict[str, Any]]) -> None:
    """Do the model's work on preloaded batches, and nothing else."""
    model = loaded.model
    for batch in batches:
        output = model.model(**batch["media"], use_cache=True)
        cache = output[cache_name(output)]
        cache.batch_select_indices(batch["rows"])
        model.model.rope_deltas = model.model.rope_deltas[batch["rows"]]
        model.generate(
            input_ids=batch["ids"].to(model.device),
            attention_mask=batch["mask"].to(model.device),
            **{cache_name(output): cache},
            do_sample=False,
            max_new_tokens=loaded.max_new_tokens,
        )


def best_size(loaded: Loaded, cases: Sequence[Case]) -> int:
    """Try batch sizes on the same samples; the first pass over each warms up."""
    most = max(SAMPLES_AT_A_TIME)
    prompts = len({case.prompt.name for case in cases})
    rates = Fastest()
    for samples in SAMPLES_AT_A_TIME:
        batches = list(preload(loaded, cases[: most * prompts], samples))
        for _ in range(2):
            rates.run(str(samples), most, lambda: ideal(loaded, batches))  # noqa: B023
    return int(max(rates.rates, key=rates.rates.__getitem__))


def print_rates(fastest: Fastest, threads: int) -> None:
    rates = fastest.rates
    top = next(rate for name, rate in rates.items() if name.startswith("ideal"))
    title = f"{threads} thread{'s' * (threads > 1)}, best round"
    print(f"\n{title:<32}{'cases/s':>10}{'x plain':>10}{'of ideal':>10}{'CPU ms a case':>16}")
    for name, rate in sorted(rates.items(), key=lambda item: item[1]):
        used = 1000 * fastest.processor[name]
        print(f"  {name:<30}{rate:10.1f}{rate / rates['plain']:10.1f}{rate / top:10.2f}{used:16.2f}")
    print(f"  bar: engine >= 10 x plain: {met(rates['engine'] >= 10 * rates['plain'])}")
    print(f"  bar: engine >= 0.8 of ideal: {met(rates['engine'] >= 0.8 * top)}")


def met(yes: bool) -> str:
    return "met" if yes else "NOT MET"


def print_process(options: argparse.Namespace, cases: int, threads: int, fastest: Fastest) -> None:
    """Run pytest as a user would, and say where the time went."""
    with tempfile.TemporaryDirectory() as folder:
        began, used = time.perf_counter(), processor_of_children()
        first, code = first_verdict(pytest_command(options, threads, Path(folder)))
        whole, used = time.perf_counter() - began, processor_of_children() - used
        found = sorted(Path(folder).glob("runs/*/run.json"))
        if not found:
            print(f"  pytest ended with {code} and left no run: nothing to say of it")
            return
        seconds: dict[str, float] = json.loads(found[-1].read_text(encoding="utf-8"))["seconds"]
    top = next(rate for name, rate in fastest.rates.items() if name.startswith("ideal"))
    print(f"  pytest, whole process: {whole:.1f} s, {cases / whole:.1f} cases/s, exit code {code}")
    if answer := seconds.get("answer"):
        rate = cases / answer
        ratios = f"{rate / fastest.rates['plain']:.1f} x plain, {rate / top:.2f} of ideal (measured at another moment)"
        print(f"  pytest, inference phase: {answer:.1f} s, {rate:.1f} cases/s, {ratios}")
    print(f"  pytest and its engine's process: {used:.1f} CPU s")
    print("  where it went: " + ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items()))
    if first is not None:
        print(f"  first verdict after {first - began:.1f} s; bar: under 10 s: {met(first - began < 10)}")


def processor_of_children() -> float:
    """Return the processor seconds of all processes that have ended and were waited for, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def pytest_command(options: argparse.Namespace, threads: int, reports: Path) -> list[str]:
    command = [sys.executable, "-u", "-m", "pytest", "benchmarks/test_floor_cracks.py", "-v", "--no-header"]
    command += ["-p", "no:cacheprovider", f"--cosmos-reports={reports}", f"--cosmos-model={options.model}"]
    command += [f"--cosmos-threads={threads}", "--cosmos-allow-partial", f"--cosmos-limit={options.samples}"]
    command += [f"--cosmos-max-new-tokens={options.tokens}"]
    return command


def first_verdict(command: Sequence[str]) -> tuple[float | None, int]:
    """Run pytest -v; return when its first test had a verdict, and the exit code."""
    first = None
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if first is None and "::" in line and "%]" in line:
                first = time.perf_counter()
        return first, process.wait()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--samples", type=int, default=300, help="how many of the suite's samples")
    parser.add_argument("--plain", type=int, default=60, help="how many cases the plain loop answers")
    parser.add_argument("--tokens", type=int, default=4096, help="the most tokens a reply may have")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-process", action="store_true", help="leave pytest itself out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
