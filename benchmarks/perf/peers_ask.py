"""One way of asking the cases of `peers.py`, run in that way's own environment: `peers_ask.py WAY CASES FOUND MODEL …`.

Libraries are imported by name where they are used: no environment has all of them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import psutil  # type: ignore[import-untyped]

TOKENS = 64
WARM = 12
"""Cases that are answered before the time counts: three prompts on each of four samples."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Texts: TypeAlias = dict[str, str]


def main() -> None:
    way, cases, found, model, *more = sys.argv[1:]
    rows = [json.loads(line) for line in Path(cases).read_text(encoding="utf-8").splitlines()]
    clock = Clock(int(more[1]) if len(more) > 1 else None)
    name, _, batch = way.partition(" ")
    if name == "lmms":
        texts = lmms(rows, Path(cases), model, int(batch), clock)
    else:
        ways: Mapping[str, Callable[..., Callable[[Rows], Texts]]] = {
            "engine": engine,
            "vllm": vllm,
            "endpoint": endpoint,
        }
        ask = ways[name](model, *more[:1])
        ask(rows[:WARM])
        clock.start()
        texts = ask(rows[WARM:])
        clock.stop()
    facts = {"cases": len(texts), "seconds": clock.seconds, "processor": clock.processor, "texts": texts}
    Path(found).write_text(json.dumps(facts), encoding="utf-8")


class Clock:
    """Wall time and processor time of this process, its children, and the tree of another."""

    def __init__(self, other: int | None) -> None:
        self._roots = [psutil.Process(), *([psutil.Process(other)] if other else [])]
        self.seconds = self.processor = 0.0

    def start(self) -> None:
        self.processor, self.seconds = -self._used(), -time.perf_counter()

    def stop(self) -> None:
        self.seconds += time.perf_counter()
        self.processor += self._used()

    def _used(self) -> float:
        tree = {process for root in self._roots for process in (root, *root.children(recursive=True))}
        return float(sum(sum(process.cpu_times()[:2]) for process in tree))


def engine(model: str) -> Callable[[Rows], Texts]:
    return plugin(model, "transformers", "", "TransformersEngine")


def endpoint(_: str, url: str) -> Callable[[Rows], Texts]:
    return plugin("", "endpoint", url, "EndpointEngine")


def plugin(model: str, engine: str, url: str, name: str) -> Callable[[Rows], Texts]:
    """Load one of this plugin's engines."""
    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, str(root))
    suite = root / "cases" / "floor_cracks"
    cases = {case.key: case for case in import_module("pytest_cosmos.suites").read_suite(suite).cases("test")}
    settings = import_module("pytest_cosmos.settings").Settings(
        root=root, cases=suite.parent, thresholds=None, reports=root, engine=engine, endpoint=url,
        model=model, threads=int(os.environ["OMP_NUM_THREADS"]), max_new_tokens=TOKENS,
    )  # fmt: skip
    made = getattr(import_module(f"pytest_cosmos.engines.{engine}"), name)(settings, {suite.name: suite})
    made.load()
    return lambda rows: {reply.case_key: reply.raw for reply in made.answer([cases[row["key"]] for row in rows])}


def vllm(model: str) -> Callable[[Rows], Texts]:
    """Load vLLM's offline engine."""
    library, image = import_module("vllm"), import_module("PIL.Image")
    media = {"image": 1, "video": 0}
    llm = library.LLM(
        model=model, dtype="float32", max_model_len=1024, max_num_seqs=192, limit_mm_per_prompt=media,
        disable_log_stats=True,
    )  # fmt: skip
    params = library.SamplingParams(temperature=0, max_tokens=TOKENS)

    def ask(rows: Rows) -> Texts:
        prompts = [
            {"prompt": row["prompt"], "multi_modal_data": {"image": image.open(row["image"]).convert("RGB")}}
            for row in rows
        ]
        outputs = llm.generate(prompts, params, use_tqdm=False)
        return {row["key"]: output.outputs[0].text for row, output in zip(rows, outputs, strict=True)}

    return ask


TASK = """\
task: floor
dataset_path: json
dataset_kwargs: {{data_files: {{test: {cases}}}}}
test_split: test
output_type: generate_until
doc_to_visual: !function floor.visual
doc_to_text: !function floor.text
doc_to_messages: !function floor.messages
doc_to_target: "key"
process_results: !function floor.result
generation_kwargs: {{max_new_tokens: {tokens}, temperature: 0, do_sample: false}}
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""
FUNCTIONS = """\
from PIL import Image
def visual(doc): return [Image.open(doc["image"]).convert("RGB")]
def text(doc, kwargs=None): return doc["question"]
def messages(doc, kwargs=None):
    parts = [{"type": "image", "url": visual(doc)[0]}, {"type": "text", "text": doc["question"]}]
    return [{"role": "user", "content": parts}]
def result(doc, results): return {"acc": 0.0}
"""


def lmms(rows: Rows, cases: Path, model: str, batch: int, clock: Clock) -> Texts:
    """Run lmms-eval on a task of its own; its class for the model is timed where it is given the requests."""
    os.environ["HF_DATASETS_CACHE"] = str(cases.with_name("cache"))
    task = cases.with_name("task")
    task.mkdir(exist_ok=True)
    (task / "floor.yaml").write_text(TASK.format(cases=cases, tokens=TOKENS), encoding="utf-8")
    (task / "floor.py").write_text(FUNCTIONS, encoding="utf-8")
    answered: list[Any] = []
    kind = import_module("lmms_eval.models.chat.qwen3_vl").Qwen3_VL
    usual = kind.generate_until

    def timed(self: Any, requests: list[Any]) -> list[Any]:
        warm = usual(self, requests[:WARM])
        clock.start()
        answered.extend(usual(self, requests[WARM:]))
        clock.stop()
        return [*warm, *answered]

    kind.generate_until = timed
    in_float32()
    # its own least size of an image would enlarge those of the suite tenfold
    given = f"pretrained={model},device=cpu,device_map=cpu,attn_implementation=sdpa,min_pixels=1024,max_pixels=1000000"
    sys.argv = ["lmms_eval", "--model", "qwen3_vl", "--model_args", given, "--tasks", "floor"]
    sys.argv += ["--include_path", str(task), "--batch_size", str(batch)]
    import_module("lmms_eval.__main__").cli_evaluate()
    return {row["key"]: str(getattr(said, "text", said)) for row, said in zip(rows[WARM:], answered, strict=True)}


def in_float32() -> None:
    """Let lmms-eval load the model as the others do; it would take bfloat16."""
    float32 = import_module("torch").float32
    kind = import_module("transformers").Qwen3VLForConditionalGeneration
    usual = kind.from_pretrained
    kind.from_pretrained = lambda *args, **options: usual(*args, **{**options, "dtype": float32})


if __name__ == "__main__":
    main()
