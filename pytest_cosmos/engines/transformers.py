"""The engine that runs the model itself, with transformers, on a GPU or a CPU.

A batch is prepared by `transformers_inputs` (in a second thread, one batch ahead), answered by
`transformers_generate`, and its texts are taken apart into replies here.
"""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_cosmos.engines.latency import time_answer
from pytest_cosmos.engines.models import fetch, filled, locate
from pytest_cosmos.engines.transformers_confidence import Alternatives, answer_start, answer_step, probability
from pytest_cosmos.engines.transformers_generate import Inputs, Written, generate
from pytest_cosmos.engines.transformers_inputs import Batch, Preparer
from pytest_cosmos.engines.transformers_load import Loaded, free_memory, holds, load, warm_imports
from pytest_cosmos.engines.transformers_prefix import prefix_manner, shared_kinds
from pytest_cosmos.engines.transformers_sizes import BatchSizes, by_manner, fits, is_out_of_memory, split
from pytest_cosmos.engines.transformers_timing import Watch, time_parts
from pytest_cosmos.judging import judge
from pytest_cosmos.prompting import split_reply, user_text
from pytest_cosmos.records import Case, Measure, ModelRecord, Reply, Timing
from pytest_cosmos.settings import Settings

__all__ = ["TransformersEngine", "warm_imports"]


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a loaded engine works with."""

    loaded: Loaded
    preparer: Preparer
    sizes: BatchSizes
    tokenizer: Any
    """A copy for reading what was generated: the processor's own is in use in the other thread."""
    piece: Callable[[int], str]
    """The text of one token, remembered."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """A batch with what came of it."""

    batch: Batch
    written: list[Written]
    """Empty: no case could be asked."""
    spent: float
    """Seconds from when the batch was turned to."""
    waited: float
    """Seconds from when its preparation began."""


class TransformersEngine:
    """Answers cases in batches; `folders` maps the name of a suite to its folder."""

    def __init__(self, settings: Settings, folders: Mapping[str, Path]) -> None:
        self._located = locate(settings.model, settings.models_file)
        self._settings = filled(settings, self._located.known)
        self._folders = folders
        self._state: _Ready | None = None
        self._known: Loaded | None = None
        self._closed = threading.Event()
        self._batches = 0
        self.seconds: dict[str, float] = {}

    def load(self) -> None:
        """Load the weights; ModelUnavailable or OptionError where the user can mend what is wrong."""
        known, self._known = self._known, None
        if known is not None and not holds(known, fetch(self._located), self._settings):
            known = None  # one set of weights in memory at a time
            free_memory()
        loaded = load(self._located, self._settings, known)
        self.seconds = dict(loaded.seconds)
        sizes = BatchSizes(self._settings.batch_size, gpu=loaded.model.device.type != "cpu")
        tokenizer = copy.deepcopy(loaded.processor.tokenizer)
        piece = functools.cache(lambda token: str(tokenizer.decode([token], skip_special_tokens=True)))
        began = time.perf_counter()
        shares = shared_kinds(loaded)
        self.seconds["load"] += time.perf_counter() - began
        generation = {**loaded.record.generation, "prefix": prefix_manner(shares)}
        loaded = replace(loaded, record=loaded.record.model_copy(update={"generation": generation}))
        self._state = _Ready(loaded, Preparer(loaded, self._folders, shares), sizes, tokenizer, piece)
        self._closed.clear()

    def follow(self, other: TransformersEngine) -> None:
        """Take the place of another engine, which is closed; its weights are kept if they are the ones wanted here."""
        self._known = other._state.loaded if other._state is not None else None
        other.close()

    def describe(self) -> ModelRecord:
        """Say which weights answer, and how."""
        return self._ready().loaded.record

    @property
    def loaded(self) -> Loaded:
        """The weights in memory; training changes them in place and has this engine ask them as they are."""
        return self._ready().loaded

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield a reply for every case, a batch at a time; all prompts of a sample should be adjacent."""
        ready = self._ready()
        batches = _batches(ready, cases)
        ahead: deque[tuple[Sequence[Case], Future[Batch]]] = deque()
        with ThreadPoolExecutor(1, "cosmos-media") as pool:
            while not self._closed.is_set():
                for batch in islice(batches, 2 - len(ahead)):
                    ahead.append((batch, pool.submit(ready.preparer.prepare, batch)))
                if not ahead:
                    return
                yield from self._answer(ready, *ahead.popleft(), pool)

    def time(self, measure: Measure, case: Case | None) -> Timing:
        """Execute a benchmark once; of `load` the weights in memory are given up first."""
        loaded, preparer = self._ready().loaded, self._ready().preparer
        watch = Watch(loaded.model.device)
        if case is not None and measure != "answer":
            return time_parts(watch, loaded, preparer, measure, case)
        if case is not None:
            watch.start()
            timing = time_answer(self, case)
            return watch.timing(tokens=timing.tokens)
        self.close()
        del loaded, preparer
        free_memory()
        watch.start()
        self.load()
        return watch.timing()

    def close(self) -> None:
        """Stop at the next token and free the model; from any thread, also in the midst of answering."""
        self._closed.set()
        self._state = None

    def _ready(self) -> _Ready:
        if self._state is None:
            raise RuntimeError("the engine is not loaded: call load() first")
        return self._state

    def _answer(
        self, ready: _Ready, cases: Sequence[Case], coming: Future[Batch], pool: ThreadPoolExecutor
    ) -> Iterator[Reply]:
        """Answer a batch; one that fails is tried again in halves, so that only the case at fault gets an error."""
        if len(cases) <= ready.sizes.most:
            try:
                answered = self._attempt(ready, coming)
            except Exception as error:  # whatever it is: it becomes the reply's error, never an answer
                why = f"{type(error).__name__}: {error}"
                if is_out_of_memory(error):
                    ready.sizes.ran_out(len(cases))
            else:
                yield from self._replies(ready, answered)
                return
            if len(cases) == 1:
                yield _no_reply(ready, cases[0], why)
                return
        for half in split(cases, len(cases) // 2):
            yield from self._answer(ready, half, pool.submit(ready.preparer.prepare, half), pool)

    def _attempt(self, ready: _Ready, coming: Future[Batch]) -> _Answered:
        """Generate a batch as soon as it is prepared."""
        turned = time.perf_counter()
        batch = coming.result()
        began = time.perf_counter()
        written = self._generate(ready.loaded, batch.inputs) if batch.inputs else []
        ended = time.perf_counter()
        return _Answered(batch, written, spent=ended - turned, waited=batch.seconds + ended - began)

    def _replies(self, ready: _Ready, answered: _Answered) -> Iterator[Reply]:
        """Yield what came of a batch; nothing where the engine was closed in the midst of it."""
        batch = answered.batch
        yield from (_no_reply(ready, case, why) for case, why in batch.failed)
        if self._closed.is_set():
            return
        about = {
            "timestamp": _now(),
            "seconds": answered.spent / max(1, len(batch.cases)),
            "batch_seconds": answered.waited,
            "batch": self._batches,
            "batch_size": len(batch.cases),
        }
        self._batches += 1
        for row, written in enumerate(answered.written):
            yield _reply(ready, batch, row, written, about)

    def _generate(self, loaded: Loaded, inputs: Inputs) -> list[Written]:
        rows, tokens = inputs.shape()
        if rows > 1 and not fits(loaded.model, rows, tokens, loaded.max_new_tokens):
            raise MemoryError(f"{rows} cases of {tokens} tokens are estimated not to fit")
        return generate(loaded.model, inputs, loaded.max_new_tokens, self._closed.is_set)


def _batches(ready: _Ready, cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """Yield the cases in batches, each as large as it is thought best at that moment."""
    for group in by_manner(cases, apart=ready.loaded.settings.sampling == "published"):
        left: Sequence[Case] = group
        while left:
            batch, left = split(left, ready.sizes.next(len(left)))
            yield batch


def _reply(ready: _Ready, batch: Batch, row: int, written: Written, about: Mapping[str, Any]) -> Reply:
    case = batch.cases[row]
    raw = str(ready.tokenizer.decode(written.tokens, skip_special_tokens=True))
    spoken = split_reply(ready.loaded.family, raw, asked_reasoning=case.prompt.reasoning)
    reply = Reply(
        case_key=case.key,
        raw=raw,
        reasoning=spoken.reasoning,
        answer=spoken.answer,
        finish="stop" if written.ended else "length",
        prompt_text=user_text(ready.loaded.family, case.prompt),
        input_tokens=batch.input_tokens[row],
        output_tokens=len(written.tokens),
        device=ready.loaded.record.device,
        vision=dict(batch.vision[row]),
        **about,
    )
    return reply.model_copy(update={"confidence": _confidence(ready, case, reply, batch.alternatives[row], written)})


def _confidence(
    ready: _Ready, case: Case, reply: Reply, choices: Alternatives | None, written: Written
) -> float | None:
    """Return the probability of the answer that the judge finds in the reply; None where there is none."""
    said = judge(case, reply).answer
    start = answer_start(written.tokens, ready.piece, reply.raw, reply.answer)
    if choices is None or written.scores is None or said is None or start is None:
        return None
    choice = case.prompt.choices.index(said)
    step = answer_step(written.tokens, start, choices.of(choice), ready.piece)
    if step is None:
        return None
    # the rows of the watched tokens are padded on the left
    return probability(written.scores[step, -len(choices.tokens) :].tolist(), choices.owners, choice)


def _no_reply(ready: _Ready, case: Case, why: str) -> Reply:
    asked = user_text(ready.loaded.family, case.prompt)
    return Reply(case_key=case.key, finish="error", error=why, prompt_text=asked, timestamp=_now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
