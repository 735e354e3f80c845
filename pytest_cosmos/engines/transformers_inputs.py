"""Cases -> what the model is given: media decoded once a sample, texts rendered and tokenised once a prompt."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_cosmos.engines.transformers_confidence import Alternatives, alternatives
from pytest_cosmos.engines.transformers_generate import Inputs, Part
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.engines.transformers_media import Shown, Sizes, show
from pytest_cosmos.engines.transformers_sampling import sampling_of
from pytest_cosmos.engines.transformers_sizes import SampleKey, sample_key
from pytest_cosmos.media import MediaKind, media_paths
from pytest_cosmos.prompting import messages, template_arguments
from pytest_cosmos.records import Case, Prompt, Vision

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_TOGETHER = 48
"""On a CPU at least so many cases are generated together."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases that are answered together."""

    cases: tuple[Case, ...]
    """Those that can be answered, in the order of the rows."""
    failed: tuple[tuple[Case, str], ...]
    """Those that cannot be, and why."""
    inputs: Inputs | None
    """None where no case is left."""
    alternatives: tuple[Alternatives | None, ...]
    """For each case what its confidence is measured among."""
    input_tokens: tuple[int, ...]
    """For each case the length of what it asks."""
    vision: tuple[Mapping[str, str], ...]
    """For each case what it is shown: frames, fps, pixels."""
    seconds: float
    """What it took to prepare."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as text for the model, cut where what it shares with other prompts ends."""

    prefix: str
    suffix: str
    suffix_ids: tuple[int, ...]
    """Empty where nothing is shared: all the text is in `prefix`."""
    alternatives: Alternatives | None


class Preparer:
    """Makes batches. Used from one thread at a time; remembers the prompts it has rendered."""

    def __init__(self, loaded: Loaded, folders: Mapping[str, Path], shares: Collection[MediaKind]) -> None:
        """Make one for a model; `shares`: with which media the prompts of a sample may share their beginning."""
        self._loaded = loaded
        self._processor = loaded.processor
        self._tokenizer = loaded.processor.tokenizer
        self._family = loaded.family
        self._shares = frozenset(shares)
        self._pad = int(loaded.model.generation_config.pad_token_id)
        self._least = _TOGETHER if loaded.model.device.type == "cpu" else None
        self._folders = folders
        self._rendered: dict[tuple[object, ...], Rendered] = {}

    def prepare(self, cases: Sequence[Case], vary: Callable[[Case, Image], Image] | None = None) -> Batch:
        """Decode and preprocess the media of `cases`; those whose media cannot be read are told apart.

        `vary` is what training does to the pictures of a case before they are scaled.
        """
        started = time.perf_counter()
        shown: dict[SampleKey, Shown] = {}
        broken: dict[SampleKey, str] = {}
        sizes = self._sizes_for(cases[0].prompt.vision)
        for key, case in {sample_key(case): case for case in cases}.items():
            try:
                alter = partial(vary, case) if vary is not None else None
                shown[key] = show(media_paths(self._folders[case.suite], case.sample), sizes, self._family, alter)
            except OSError as error:
                broken[key] = f"the media of this sample cannot be read: {error}"
        failed = tuple((case, broken[sample_key(case)]) for case in cases if sample_key(case) in broken)
        whole = tuple(case for case in cases if sample_key(case) in shown)
        rendered = [self._render(case.prompt, shown[sample_key(case)].kinds) for case in whole]
        inputs = self._inputs(whole, rendered, shown, sizes) if whole else None
        return Batch(
            cases=whole,
            failed=failed,
            inputs=inputs,
            alternatives=tuple(prompt.alternatives for prompt in rendered),
            input_tokens=tuple(inputs.lengths()) if inputs else (),
            vision=tuple(shown[sample_key(case)].facts for case in whole),
            seconds=time.perf_counter() - started,
        )

    def _sizes_for(self, wish: Vision) -> Sizes:
        return Sizes(self._processor, self._family, wish)

    def _inputs(
        self, cases: Sequence[Case], rendered: Sequence[Rendered], shown: Mapping[SampleKey, Shown], sizes: Sizes
    ) -> Inputs:
        keys = [sample_key(case) for case in cases]
        sampling = sampling_of(self._family, cases[0].prompt, self._loaded.settings)
        if not all(prompt.suffix_ids for prompt in rendered):
            texts = [prompt.prefix + prompt.suffix for prompt in rendered]
            every = tuple(range(len(cases)))
            whole = Part(every, _long(every), watched=_watched(rendered))
            return Inputs(self._process(texts, [shown[key] for key in keys], sizes), (whole,), sampling)
        starts = [(key, prompt.prefix) for key, prompt in zip(keys, rendered, strict=True)]
        distinct = {start: row for row, start in enumerate(dict.fromkeys(starts))}
        media = self._process([prefix for _, prefix in distinct], [shown[key] for key, _ in distinct], sizes)
        rows = [distinct[start] for start in starts]
        each = tuple(self._part(part, rows, rendered) for part in parts(rendered, self._least))
        return Inputs(media, each, sampling)

    def _part(self, cases: tuple[int, ...], rows: Sequence[int], rendered: Sequence[Rendered]) -> Part:
        own = [rendered[case] for case in cases]
        suffix, mask = _padded([prompt.suffix_ids for prompt in own], self._pad)
        return Part(cases, _long([rows[case] for case in cases]), suffix, mask, _watched(own))

    def _process(self, texts: list[str], shown: Sequence[Shown], sizes: Sizes) -> dict[str, Tensor]:
        media: dict[str, Any] = {}
        if any(sample.images for sample in shown):
            media["images"] = [list(sample.images) for sample in shown]
            if sizes.resizes_images:
                media["images_kwargs"] = {"do_resize": False}
        if any(sample.clips for sample in shown):
            media["videos"] = [clip for sample in shown for clip in sample.clips]
            media["videos_kwargs"] = {
                "video_metadata": [dict(clip) for sample in shown for clip in sample.metadata],
                "do_sample_frames": False,
                **({"do_resize": False} if sizes.resizes_clips else {}),
            }
        text: dict[str, Any] = {"padding": True, "padding_side": "left"}
        bos = self._tokenizer.bos_token
        if bos and texts[0].startswith(bos):  # as `apply_chat_template` does: the tokenizer would write a second one
            text["add_special_tokens"] = False
        return dict(self._processor(text=texts, text_kwargs=text, return_tensors="pt", **media))

    def _render(self, prompt: Prompt, kinds: tuple[MediaKind, ...]) -> Rendered:
        key = (prompt.text, prompt.system, prompt.reasoning, prompt.choices, kinds)
        if key not in self._rendered:
            self._rendered[key] = self._render_anew(prompt, kinds)
        return self._rendered[key]

    def _render_anew(self, prompt: Prompt, kinds: tuple[MediaKind, ...]) -> Rendered:
        text: str = self._processor.apply_chat_template(
            messages(self._family, prompt, kinds),
            tokenize=False,
            add_generation_prompt=True,
            **self._template_arguments(kinds),
        )
        check_shown(self._processor, text, kinds)
        choices = alternatives(self._tokenizer, prompt.choices)
        cut = self._end_of_media(text) if self._shares.issuperset(kinds) else 0
        ids, first = self._ids(text), self._ids(text[:cut])
        # where the tokenizer joins across the cut, the prefix alone would be read differently: then nothing is shared
        if not first or len(ids) == len(first) or ids[: len(first)] != first:
            return Rendered(text, "", (), choices)
        return Rendered(text[:cut], text[cut:], tuple(ids[len(first) :]), choices)

    def _template_arguments(self, kinds: tuple[MediaKind, ...]) -> dict[str, Any]:
        """Return those that the template has a word for: of others it makes nothing, and transformers complains."""
        template = str(self._processor.chat_template)
        return {name: value for name, value in template_arguments(self._family, kinds).items() if name in template}

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _end_of_media(self, text: str) -> int:
        """Return where the last media placeholder ends, with the special tokens that close it; 0: there is none."""
        names = ("image_token", "video_token")
        tokens = [token for name in names if (token := getattr(self._processor, name, None))]
        end = max((text.rfind(token) + len(token) for token in tokens if token in text), default=0)
        special = tuple(self._tokenizer.get_added_vocab())
        while end and (closing := next((mark for mark in special if text.startswith(mark, end)), None)):
            end += len(closing)
        return end


def check_shown(processor: Any, text: str, kinds: Sequence[MediaKind]) -> None:
    """Raise ValueError where a rendered prompt has no place for one of its media.

    Chat templates pass over what their model does not take, and so do processors: the model would answer without
    having seen it. (A processor without an `image_token` finds the place of images in another way.)
    """
    for kind in dict.fromkeys(kinds):
        token = getattr(processor, f"{kind}_token", None)
        if token is None and kind == "image":
            continue
        given, places = kinds.count(kind), text.count(token) if token else 0
        if places < given:
            raise ValueError(
                f"the model cannot be shown this sample: its chat template has room for {places} of {given} {kind}s"
            )


def parts(rendered: Sequence[Rendered], least: int | None) -> Iterator[tuple[int, ...]]:
    """Yield which cases to generate together: whole prompts of like length, until there are `least` cases.

    Measured on a CPU: rows of one prompt need no padding, end together, and keep caches small: 6-11 % faster. A GPU
    has time for all of them at once: there `least` is None.
    """
    part: list[int] = []
    ordered = sorted(range(len(rendered)), key=lambda case: (len(rendered[case].suffix_ids), rendered[case].suffix_ids))
    for _, cases in groupby(ordered, key=lambda case: rendered[case].suffix_ids):
        part += cases
        if least is not None and len(part) >= least:
            yield tuple(part)
            part = []
    if part:
        yield tuple(part)


def _watched(rendered: Sequence[Rendered]) -> Tensor | None:
    """Make (b, K) the tokens whose scores are kept; they stand at the right, see `probability`'s caller."""
    choices = [prompt.alternatives for prompt in rendered]
    if not any(choices):
        return None
    return _padded([choice.tokens if choice else () for choice in choices])[0]


def _padded(rows: Sequence[Sequence[int]], pad: int = 0) -> tuple[Tensor, Tensor]:
    """Make (B, L) ids padded on the left, and their mask."""
    width = max(map(len, rows))
    ids = _long([[pad] * (width - len(row)) + list(row) for row in rows])
    mask = _long([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def _long(values: object) -> Tensor:
    import torch

    return torch.tensor(values, dtype=torch.long)
