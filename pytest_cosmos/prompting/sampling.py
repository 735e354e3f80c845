"""How a model chooses its words: greedily, or as its publisher lets it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True)
class Sampling:
    """Generation settings; the defaults change nothing."""

    temperature: float
    """0: greedy."""
    top_p: float = 1.0
    top_k: int = 0
    """0: all tokens."""
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    seed: int = 0

    def given(self) -> dict[str, float | int]:
        """Return them by the names that vLLM gives them.

        Neutral ones too, for a server may have others from the checkpoint's generation_config; only a `top_k` of all
        tokens is left out, for which servers write different numbers.
        """
        values = asdict(self)
        return {name: value for name, value in values.items() if name != "top_k" or value}


GREEDY = Sampling(temperature=0.0)
"""Repeatable: what a gate asks with, whatever a checkpoint's generation_config says."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a publisher's own code generates with."""

    plain: Sampling
    reasoning: Sampling
    """Where the model is asked to think first."""

    def of(self, *, asked_reasoning: bool) -> Sampling:
        """Return the settings for a prompt."""
        return self.reasoning if asked_reasoning else self.plain


def repeat_sampling(published: Published | None, seed: int, *, asked_reasoning: bool) -> Sampling:
    """Return the settings by which a case is asked once more: as published, but with this seed.

    Where nothing is published, words are drawn as probable as the model finds them (temperature 1).
    """
    manner = published.of(asked_reasoning=asked_reasoning) if published else Sampling(temperature=1.0)
    return replace(manner, seed=seed)
