"""A paper estimate of a large job behind an endpoint: tokens, GPU hours, wall time, cost. Nothing here is measured.

    python tools/estimate_scale.py --samples 1000000 --prompts 3 --image 1280x720 --model reason2-8b --gpu h100 --gpus 8

The formula, with every figure that goes into it, is in docs/scaling.md; each figure has an option.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Model:
    """What a checkpoint costs. Read from the architecture's config.json; assumptions where that was not at hand."""

    parameters: float
    """Of the language model, embeddings included."""
    tower: float
    """Parameters of the vision tower."""
    unit: int
    """Pixels along the side of what becomes one token: patch x merge."""
    min_pixels: int
    max_pixels: int
    kv_bytes: int
    """Of one token in the cache: 2 x layers x key-value heads x head size x 2 bytes."""

    def vision_tokens(self, width: int, height: int) -> int:
        """Count the tokens of one image as Qwen's `smart_resize` rounds it."""
        unit = self.unit
        wide, high = max(unit, round(width / unit) * unit), max(unit, round(height / unit) * unit)
        if wide * high > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            wide = max(unit, math.floor(width / shrink / unit) * unit)
            high = max(unit, math.floor(height / shrink / unit) * unit)
        elif wide * high < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            wide, high = math.ceil(width * grow / unit) * unit, math.ceil(height * grow / unit) * unit
        return (wide // unit) * (high // unit)


@dataclass(frozen=True, slots=True)
class Gpu:
    """What its data sheet says, dense 16 bit."""

    flops: float
    """Operations a second."""
    bandwidth: float
    """Bytes a second."""
    memory: float
    """Bytes."""
    price: float
    """Dollars an hour: an assumption."""


_R1 = {"unit": 28, "min_pixels": 4 * 28**2, "max_pixels": 8192 * 28**2}
_R2 = {"unit": 32, "min_pixels": 256 * 32**2, "max_pixels": 8192 * 32**2}
MODELS = {
    "reason1": Model(parameters=7.6e9, tower=0.68e9, kv_bytes=57_344, **_R1),
    "reason2": Model(parameters=1.7e9, tower=0.41e9, kv_bytes=114_688, **_R2),
    "reason2-8b": Model(parameters=8.2e9, tower=0.58e9, kv_bytes=147_456, **_R2),
    "reason2-32b": Model(parameters=32.8e9, tower=0.60e9, kv_bytes=262_144, **_R2),
}
GPUS = {
    "h100": Gpu(flops=989e12, bandwidth=3.35e12, memory=80e9, price=3.00),
    "a100": Gpu(flops=312e12, bandwidth=2.04e12, memory=80e9, price=1.80),
    "l40s": Gpu(flops=362e12, bandwidth=0.86e12, memory=48e9, price=1.20),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be answered, and how well the hardware is used. All of it is an assumption until measured."""

    samples: int = 1_000_000
    prompts: int = 3
    image: tuple[int, int] = (1280, 720)
    prompt_tokens: int = 120
    """System prompt, question and the request to reason."""
    reply_tokens: int = 200
    """Reasoning and answer; about 5 where no reasoning is asked for."""
    shared: bool = True
    """Whether the server computes an image once for all its prompts (prefix caching, media before text)."""
    prefill_use: float = 0.4
    """Share of the peak operations reached while reading."""
    decode_use: float = 0.5
    """Share of the peak bandwidth reached while writing."""
    concurrent: int = 128
    """Requests that one replica writes at a time."""
    gpus: int = 8
    gpus_per_replica: int = 1
    """Tensor parallel size."""
    balance: float = 0.85
    """Share of the wall time in which the GPUs are busy: loading, stragglers, retries."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the job comes to."""

    vision_tokens: int
    """Of one image."""
    read_tokens: float
    written_tokens: float
    read_hours: float
    """GPU hours."""
    write_hours: float
    concurrent: int
    """What the memory leaves room for."""
    wall_hours: float
    cost: float
    """Dollars, for the wall time of all GPUs."""

    @property
    def gpu_hours(self) -> float:
        """Reading and writing together."""
        return self.read_hours + self.write_hours


def estimate(job: Job, model: Model, gpu: Gpu) -> Estimate:
    """Apply the formula of docs/scaling.md; ValueError where the weights do not fit on a replica."""
    vision = model.vision_tokens(*job.image)
    copies = 1 if job.shared else job.prompts
    read = copies * vision + job.prompts * job.prompt_tokens
    written = job.prompts * job.reply_tokens
    tower = 2 * model.tower * 4 * vision * copies  # four patches become one token
    read_seconds = (2 * model.parameters * read + tower) / (gpu.flops * job.prefill_use)
    size = job.gpus_per_replica
    weights = 2 * (model.parameters + model.tower)
    context = vision + job.prompt_tokens + job.reply_tokens
    room = 0.9 * gpu.memory * size - weights
    concurrent = min(job.concurrent, int(room / (model.kv_bytes * context)))
    if concurrent < 1:
        raise ValueError(f"{weights / 1e9:.0f} GB of weights and one request do not fit on {size} GPU(s)")
    mean_context = vision + job.prompt_tokens + job.reply_tokens / 2
    moved = weights + concurrent * mean_context * model.kv_bytes
    step = max(
        moved / (gpu.bandwidth * job.decode_use * size),
        2 * model.parameters * concurrent / (gpu.flops * job.prefill_use * size),
    )
    write_seconds = written / concurrent * step * size
    hours = [job.samples * seconds / 3600 for seconds in (read_seconds, write_seconds)]
    wall = sum(hours) / job.gpus / job.balance
    return Estimate(
        vision_tokens=vision,
        read_tokens=float(job.samples * read),
        written_tokens=float(job.samples * written),
        read_hours=hours[0],
        write_hours=hours[1],
        concurrent=concurrent,
        wall_hours=wall,
        cost=wall * job.gpus * gpu.price,
    )


def main() -> None:
    """Print the estimate for what the command line says."""
    job, model, gpu = arguments()
    found = estimate(job, model, gpu)
    print(f"paper estimate, nothing measured: {job.samples:,} samples x {job.prompts} prompts")
    print(f"  vision tokens an image     {found.vision_tokens:,}")
    print(f"  tokens read / written      {found.read_tokens / 1e6:,.0f} M / {found.written_tokens / 1e6:,.0f} M")
    print(f"  GPU hours reading/writing  {found.read_hours:,.1f} + {found.write_hours:,.1f} = {found.gpu_hours:,.1f}")
    print(f"  requests at a time         {found.concurrent} on each replica of {job.gpus_per_replica} GPU(s)")
    print(f"  wall time on {job.gpus} GPUs        {found.wall_hours:,.1f} h")
    print(f"  cost                       {found.cost:,.0f} $ at {gpu.price:.2f} $ a GPU hour")


def arguments() -> tuple[Job, Model, Gpu]:
    """Read the command line: every field of `Job` has an option."""
    job = Job()
    parser = argparse.ArgumentParser(description="A paper estimate of a large job; see docs/scaling.md.")
    parser.add_argument("--model", choices=MODELS, default="reason2-8b")
    parser.add_argument("--gpu", choices=GPUS, default="h100")
    parser.add_argument("--price", type=float, help="dollars a GPU hour")
    parser.add_argument("--image", type=_size, default=job.image, metavar="WxH")
    parser.add_argument("--not-shared", dest="shared", action="store_false", help="each prompt reads its image anew")
    for name in ("samples", "prompts", "prompt_tokens", "reply_tokens", "concurrent", "gpus", "gpus_per_replica"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(job, name))
    for name in ("prefill_use", "decode_use", "balance"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(job, name))
    options = vars(parser.parse_args())
    model, gpu, price = MODELS[options.pop("model")], GPUS[options.pop("gpu")], options.pop("price")
    return Job(**options), model, replace(gpu, price=price) if price is not None else gpu


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    main()
