"""One frozen Settings, made once from options, ini file and environment; nothing else reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

EngineName = Literal["transformers", "endpoint", "scripted"]
ENGINES: tuple[EngineName, ...] = ("transformers", "endpoint", "scripted")
Sampling = Literal["greedy", "published"]
Quantization = Literal["none", "int8", "int4"]
MediaTransport = Literal["data", "path"]
MOST_REQUESTS = 64
"""The endpoint engine's most requests at a time, all xdist workers together, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for."""

    root: Path
    """The project: pytest's rootdir, or the current folder for the command line."""
    cases: Path
    """The folder whose subfolders are suites."""
    thresholds: Path | None
    """The thresholds file; None: there is none."""
    reports: Path
    """Runs are written to `reports / "runs"`."""
    model: str = "tiny"
    models_file: Path | None = None
    """The project's models.yaml, which adds short names of models; None: there is none."""
    engine: EngineName = "transformers"
    replies: Path | None = None
    """The scripted engine's file."""
    prompt_file: Path | None = None
    """A prompt file in the Cosmos form that takes the place of every prompt's own system and user text."""
    suites: tuple[str, ...] = ()
    """Only these suites; empty: all that the tests name."""
    limit: int | None = None
    """At most this many samples a suite."""
    seed: int = 0
    strict: bool = False
    """A wrong answer fails its test."""
    allow_partial: bool = False
    gate: bool = True
    """False: measure only, hold against no threshold."""
    device: str = "auto"
    dtype: str = "auto"
    """Number format of the weights; `auto`: by models.yaml, or else the checkpoint's own (float32 on a CPU)."""
    batch_size: int | None = None
    """Cases at a time; None: found by the engine."""
    max_new_tokens: int = 4096
    threads: int | None = None
    """CPU threads of this process's model; None: torch decides."""
    baselines: tuple[str, ...] = ()
    """Models that are asked the same before `model`, which alone is asserted and gated."""
    adapter: Path | None = None
    """The LoRA adapter on `model`; None: the model as it is."""
    attention: str = "auto"
    """Which implementation of attention, as transformers names them; `auto`: by models.yaml, or else sdpa."""
    quantize: Quantization = "none"
    """Whether the weights are brought to fewer bits while they are loaded (bitsandbytes)."""
    family: str = "auto"
    """How the model is asked and read: a name of `prompting.FAMILIES`; `auto`: by the checkpoint's `model_type`."""
    sampling: Sampling = "greedy"
    """`published`: the generation settings that the model's publisher states, seeded."""
    endpoint: str = ""
    """The endpoint engine's server: an http(s) URL up to `/v1`."""
    media_transport: MediaTransport = "data"
    """How the endpoint gets media: inside the request, or as a file path that the server may read."""
    concurrency: int | None = None
    """The endpoint engine's most requests at a time, of this process; None: MOST_REQUESTS."""
    timeout: float = 600.0
    """Seconds in which the endpoint must have answered a case, tried again or not; one request may take half of it."""
    fresh: bool = False
    """Ask every case again, whatever the reply store holds."""
    replay_only: bool = False
    """Ask nothing: a case that the reply store does not hold is an error."""
    store: Path | None = None
    """The reply store's file; None: nothing is stored."""
    shard: tuple[int, int] | None = None
    """`(K, N)`: only the K-th of N parts of the samples, K from 1."""
    time_budget: float | None = None
    """Seconds after which nothing more is asked; the run is then partial."""
    baseline: str = ""
    """The folder of the run or saved baseline with which this run is compared; empty: none; `none`: on purpose."""
    compare_base: bool = False
    """Ask the model without its adapter too, as the baseline."""
    only: tuple[str, str] | None = None
    """`(wrong | unparsed | error | broken | fixed, run folder)`: ask just those cases of that run again."""
    split: str = "test"
    """Which split of the suites is asked."""
    repeats: int = 0
    """How many times each case is asked again with sampling on, to see whether the answer is stable."""
    repeat: int = 0
    """Which of these repeats this is, drawn with `seed`; 0: none."""
    check_determinism: bool = False
    """Ask some cases again alone, to see whether a batch changes the answer."""
    calibration: Path | None = None
    """The file of temperatures that `pytest-cosmos calibrate` wrote; None: confidences are taken as they are."""
    latency_rounds: int = 20
    """Rounds of a latency measurement that count."""
    ci: bool = False
    """Whether this runs in continuous integration (`CI=true`), where the same run should mean the same weights."""

    def turns(self) -> tuple[Settings, ...]:
        """Return the settings of every model that is asked, in their order: the baselines, then the candidate."""
        named = (replace(self, model=name, adapter=None, baselines=()) for name in self.baselines)
        base = (replace(self, adapter=None, baselines=()),) if self.compare_base else ()
        return (*dict.fromkeys((*named, *base)), replace(self, baselines=()))

    def repeated(self) -> tuple[Settings, ...]:
        """Return the settings of every repeat of the candidate: as its publisher samples, each with a seed of its own.

        A repeat's seed hangs on `seed` and its number alone: of more repeats the first are the same.
        """
        candidate = self.turns()[-1]
        return tuple(
            replace(candidate, sampling="published", repeat=number, seed=_derived(self.seed, number))
            for number in range(1, self.repeats + 1)
        )

    def alone(self) -> Settings:
        """Return the settings by which the candidate is asked one case at a time, whatever the reply store holds."""
        return replace(self.turns()[-1], batch_size=1, concurrency=1, store=None)


def _derived(seed: int, number: int) -> int:
    """Return the seed of a repeat, of 31 bits: what every server and library takes."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4]) >> 1
