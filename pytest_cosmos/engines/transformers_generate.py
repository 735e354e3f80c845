"""Generate the replies of one batch: what prompts share is computed once, the rest batched.

The prompts of a sample begin alike (system text, image). That prefix goes through the model once, with the
vision tower; its key-value cache is then repeated for every prompt, and so are the offsets between text
positions and multimodal rotary positions (`rope_deltas`) that some models keep beside it. Token for token this
gives what plain generation gives: for which models, `transformers_prefix` knows or finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_cosmos.engines.transformers_sampling import choose_by
from pytest_cosmos.prompting import Sampling

if TYPE_CHECKING:
    import torch
    from torch import Tensor


KNOWN: Final = frozenset({"qwen3_vl", "qwen2_5_vl"})
"""Model types of which tests show that prompts may share a prefix, and that `transformers_greedy` may decode them."""


class NotRepeatableError(Exception):
    """A model keeps its prefix in a form that cannot be handed to several prompts."""


@dataclass(frozen=True, slots=True)
class Part:
    """Cases of a batch that are generated together; b rows, one a case."""

    cases: tuple[int, ...]
    """Which cases of the batch."""
    rows: Tensor
    """(b,) which row of the media's belongs to each case."""
    suffix: Tensor | None = None
    """(b, L) token ids after the prefix, padded on the left; None: the media's rows hold whole prompts."""
    mask: Tensor | None = None
    """(b, L) 0 where `suffix` is padding."""
    watched: Tensor | None = None
    """(b, K) token ids whose scores are kept at every step."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a batch looks like to the model, on the CPU."""

    media: dict[str, Tensor]
    """The processor's output: one row for each distinct prefix, or, where none is shared, for each case."""
    parts: tuple[Part, ...]
    sampling: Sampling | None = None
    """How tokens are drawn; None: greedily."""

    @property
    def shared(self) -> bool:
        """Whether `media` holds prefixes that several cases may have in common."""
        return all(part.suffix is not None for part in self.parts)

    def lengths(self) -> list[int]:
        """Return the input tokens of each case, padding not counted."""
        media = self.media["attention_mask"].sum(1)
        lengths: dict[int, int] = {}
        for part in self.parts:
            own = media[part.rows] + (part.mask.sum(1) if part.mask is not None else 0)
            lengths.update(zip(part.cases, own.tolist(), strict=True))
        return [lengths[case] for case in sorted(lengths)]

    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the prompts, padding counted."""
        longest = max(0 if part.suffix is None else part.suffix.shape[1] for part in self.parts)
        return sum(len(part.cases) for part in self.parts), self.media["input_ids"].shape[1] + longest


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote to one case, on the CPU."""

    tokens: list[int]
    """The new tokens, padding cut off, the end token included."""
    ended: bool
    """Whether the model ended by itself."""
    scores: Tensor | None
    """(T, K) scores of the watched tokens at every step; T may be more than the tokens."""


class _Watch:
    """A logits processor that changes nothing and keeps the scores of a few tokens."""

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens
        self.kept: list[Tensor] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        self.kept.append(scores.gather(1, self._tokens))
        return scores


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What the model keeps of the media's rows."""

    cache: Any
    name: str
    """What `generate` calls it."""
    offsets: Tensor | None
    """(R, 1) `rope_deltas`; None where the model has none."""


def generate(model: Any, inputs: Inputs, limit: int, stopped: Callable[[], bool]) -> list[Written]:
    """Answer a batch, at most `limit` tokens each; ends early once `stopped` says so.

    One for each case, in their order. ValueError where the prompt alone is longer than the model's context.
    """
    import torch

    written: dict[int, Written] = {}
    with torch.inference_mode():
        media = {name: _placed(tensor, model) for name, tensor in inputs.media.items()}
        prefix = _prefix(model, media) if inputs.shared else None
        for part in inputs.parts:
            arguments = _arguments(model, media, prefix, part)
            said = _write(model, arguments, part, inputs.sampling, limit, stopped)
            written.update(zip(part.cases, said, strict=True))
    return [written[case] for case in sorted(written)]


def _prefix(model: Any, media: dict[str, Tensor]) -> _Prefix:
    """Compute the prefixes; by `generate`, which alone knows what positions and masks each class of models wants.

    NotRepeatableError for caches with a window or a state: what is kept there is no list of positions.
    """
    from transformers.cache_utils import DynamicLayer

    # a stale value of an earlier batch must not be taken for this one's
    _set_offsets(model, None)
    output = model.generate(**media, do_sample=False, max_new_tokens=1, return_dict_in_generate=True)
    cache = output[cache_name(output)]
    other = {type(layer).__name__ for layer in cache.layers if type(layer) is not DynamicLayer}
    if other:
        raise NotRepeatableError(f"its cache has layers of the kind {', '.join(sorted(other))}")
    return _Prefix(cache, cache_name(output), getattr(model.model, "rope_deltas", None))


def cache_name(output: Mapping[str, Any]) -> str:
    """Return what this release of transformers calls the cache, as a key of outputs and an argument of `generate`."""
    return "cache" if "cache" in output else "past_key_values"  # the former since 5.24


def _set_offsets(model: Any, offsets: Tensor | None) -> None:
    if hasattr(model.model, "rope_deltas"):
        model.model.rope_deltas = offsets


def _arguments(model: Any, media: dict[str, Tensor], prefix: _Prefix | None, part: Part) -> dict[str, Any]:
    """Make the arguments of `generate`, with the prefix already in the cache where it is shared."""
    import torch

    from pytest_cosmos.engines.transformers_greedy import repeated

    if prefix is None or part.suffix is None or part.mask is None:
        return media
    rows = part.rows.to(model.device)
    if prefix.offsets is not None:
        _set_offsets(model, prefix.offsets[rows])
    return {
        "input_ids": torch.cat([media["input_ids"][rows], part.suffix.to(model.device)], dim=1),
        "attention_mask": torch.cat([media["attention_mask"][rows], part.mask.to(model.device)], dim=1),
        prefix.name: repeated(prefix.cache, rows),
    }


def _write(
    model: Any,
    arguments: dict[str, Any],
    part: Part,
    sampling: Sampling | None,
    limit: int,
    stopped: Callable[[], bool],
) -> Sequence[Written]:
    """Generate one part, a row for each of its cases."""
    ends = _ends(model)
    limit = _room(model, arguments["input_ids"].shape[1], limit)
    watched = None if part.watched is None else part.watched.to(model.device)
    if sampling is None and part.suffix is not None and model.config.model_type in KNOWN:
        from pytest_cosmos.engines.transformers_greedy import prompts_of, write

        tokens, scores = write(model, prompts_of(model, arguments, part.suffix.shape[1], watched), ends, limit, stopped)
    else:
        tokens, scores = _by_transformers(model, arguments, sampling, watched, limit, stopped)
    rows = [_cut(row, ends) for row in tokens.tolist()]
    kept = [None] * len(rows) if scores is None else scores.cpu()
    return [Written(row, row[-1] in ends, own) for row, own in zip(rows, kept, strict=True)]


def _by_transformers(
    model: Any,
    arguments: dict[str, Any],
    sampling: Sampling | None,
    watched: Tensor | None,
    limit: int,
    stopped: Callable[[], bool],
) -> tuple[Tensor, Tensor | None]:
    """Return (b, T) the new tokens, padded behind a row's end, and (b, T, K) the scores of the watched ones."""
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    def abandoned(input_ids: torch.LongTensor, scores: object, **_: object) -> Tensor:
        return torch.full((len(input_ids),), stopped(), device=input_ids.device)

    length = arguments["input_ids"].shape[1]
    watch = None if watched is None else _Watch(watched)
    manner, chain = choose_by(sampling, length)
    output = model.generate(
        **arguments,
        **manner,
        max_new_tokens=limit,
        logits_processor=LogitsProcessorList([*([watch] if watch else []), *chain]),
        stopping_criteria=StoppingCriteriaList([abandoned]),
    )
    return output[:, length:], torch.stack(watch.kept, dim=1) if watch else None


def _placed(tensor: Tensor, model: Any) -> Tensor:
    return tensor.to(model.device, model.dtype) if tensor.is_floating_point() else tensor.to(model.device)


def _room(model: Any, length: int, limit: int) -> int:
    """Return how many tokens may follow a prompt of this length."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is None:
        return limit
    if length >= context:
        raise ValueError(f"the prompt has {length} tokens, the model's context only {context}")
    return min(limit, int(context) - length)


def _ends(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return {ends} if isinstance(ends, int) else set(ends or ())


def _cut(row: list[int], ends: set[int]) -> list[int]:
    """Cut a row after its first end token: what follows is padding."""
    end = next((index for index, token in enumerate(row) if token in ends), len(row))
    return row[: end + 1]
