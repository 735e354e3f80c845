"""Label files -> Sample x Prompt -> Case: one reader per file format, all mistakes told at once."""

from __future__ import annotations

from pytest_cosmos.suites.columns import SPLITS
from pytest_cosmos.suites.latency import SUITE as LATENCY
from pytest_cosmos.suites.latency import standard_benchmarks, write_media
from pytest_cosmos.suites.leaks import guard_training, suite_leaks, training_leaks
from pytest_cosmos.suites.limit import limit_samples
from pytest_cosmos.suites.prompt_files import PromptFile, read_prompt_file, with_prompt_file
from pytest_cosmos.suites.shard import Shard, shard_of, shard_samples
from pytest_cosmos.suites.suite import MANIFEST, Suite, find_suites, read_suite, sound_samples

__all__ = [
    "LATENCY",
    "MANIFEST",
    "SPLITS",
    "PromptFile",
    "Shard",
    "Suite",
    "find_suites",
    "guard_training",
    "limit_samples",
    "read_prompt_file",
    "read_suite",
    "shard_of",
    "shard_samples",
    "sound_samples",
    "standard_benchmarks",
    "suite_leaks",
    "training_leaks",
    "with_prompt_file",
    "write_media",
]
