"""The generation settings that the publishers of the model families state; greedy decoding is the default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_cosmos.prompting.families import Family

Sampling = Mapping[str, float | int]

# nvidia-cosmos/cosmos-reason2, cosmos_reason2_utils/script/inference.py: SamplingOverrides.get_defaults
_REASON2: Sampling = MappingProxyType(
    {
        "temperature": 0.7,
        "top_p": 0.8,
        "top_k": 20,
        "repetition_penalty": 1.0,
        "presence_penalty": 1.5,
        "seed": 3407,
    }
)
_REASON2_THINKING: Sampling = MappingProxyType(
    {
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 20,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "seed": 1234,
    }
)
# nvidia-cosmos/cosmos-reason1, configs/sampling_params.yaml
_REASON1: Sampling = MappingProxyType({"temperature": 0.01, "seed": 42})


def published_sampling(family: Family, *, reasoning: bool) -> Sampling:
    """Return what the publisher of a family states, by the names that vLLM gives the settings.

    Empty for `generic`: what holds there is in the checkpoint's own `generation_config.json`.
    """
    if family.name == "reason2":
        return _REASON2_THINKING if reasoning else _REASON2
    return _REASON1 if family.name == "reason1" else MappingProxyType({})
