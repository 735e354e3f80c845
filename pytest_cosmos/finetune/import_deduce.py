"""Questions and answers from elsewhere -> prompts and samples: the kinds of answers are deduced from the answers.

Where a few questions are asked of many media, each becomes a prompt. Else every entry is a sample that carries its own
question, in the column that the prompt's text names: `text: "{question}"`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.finetune.import_kinds import kinds_of, together
from pytest_cosmos.finetune.import_media import Names, unused
from pytest_cosmos.finetune.import_records import Entry
from pytest_cosmos.finetune.import_write import Draft
from pytest_cosmos.prompting import FAMILIES, split_reply
from pytest_cosmos.records import Prompt, Sample
from pytest_cosmos.suites import SPLITS
from pytest_cosmos.userfiles import Complaints, control_character, quoted

_READS_ALL = FAMILIES["generic"]
_MOST_PROMPTS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry taken apart."""

    entry: Entry
    media: tuple[str, ...]
    """Names in the suite."""
    question: str
    """Without the reasoning request."""
    system: str | None
    thinks: bool
    """Whether reasoning is asked for, or given."""
    answer: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that become one prompt, and what that is."""

    prompt: Prompt
    answers: Mapping[int, str]
    """By the place of the entry: which of the prompt's choices."""


def deduce(entries: Sequence[tuple[Entry, Mapping[str, Path]]], complaints: Complaints) -> Draft:
    """Make prompts and samples; entries that none can be made of are complained of and left out.

    `entries` come with where their media lie, by the paths in them.
    """
    names = Names()
    asked = _without_repeats([_taken_apart(entry, found, names) for entry, found in entries], complaints)
    shared = _is_shared(asked)
    groups = _groups(asked, complaints, shared=shared)
    samples = (_samples_by_media if shared else _samples_by_entry)(asked, groups)
    used = {name for sample in samples for name in sample.media}
    return Draft(
        prompts=tuple(_with_column(group.prompt, groups) for group in groups),
        samples=samples,
        sources={name: source for name, source in names.sources.items() if name in used},
        remarks=tuple(_remark(group) for group in groups),
    )


def _taken_apart(entry: Entry, found: Mapping[str, Path], names: Names) -> Asked:
    spoken = split_reply(_READS_ALL, entry.target, asked_reasoning=False)
    question, in_user = _without_request(entry.prompt)
    system, in_system = _without_request(entry.system or "")
    own = {family.system_prompt for family in FAMILIES.values()}
    return Asked(
        entry=entry,
        media=tuple(names.name(path, found[path]) for path in (*entry.images, *entry.videos)),
        question=_unix(question).strip(),
        system=None if system.strip() in own else system.strip(),  # "" is one's own, too
        thinks=entry.thinks or in_user or in_system or bool(spoken.reasoning),
        answer=spoken.answer,
        reasoning=_unix(spoken.reasoning),
    )


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_request(text: str) -> tuple[str, bool]:
    """Take the reasoning request of a family off the end of a text: the suite asks for it by itself."""
    request = next((one.request for one in FAMILIES.values() if text.rstrip().endswith(one.request)), "")
    return (text.rstrip().removesuffix(request), True) if request else (text, False)


def _without_repeats(asked: Sequence[Asked], complaints: Complaints) -> tuple[Asked, ...]:
    """Keep each question of the same media once; another answer to it is complained of."""
    kept: dict[tuple[Hashable, ...], Asked] = {}
    for one in asked:
        first = kept.setdefault((one.media, one.question, one.system), one)
        if first.answer != one.answer:
            told = f"is answered by {quoted(one.answer)}, but the same question of the same media by"
            one.entry.where.complain(complaints, f"{told} {quoted(first.answer)} in {first.entry.where}")
        elif control_character(re.sub(r"[\n\t]", " ", f"{one.question}{one.reasoning}")) is not None:
            del kept[one.media, one.question, one.system]
            one.entry.where.complain(complaints, "holds a control character. Remove it")
    return tuple(kept.values())


def _is_shared(asked: Sequence[Asked]) -> bool:
    """Tell whether the questions are few, and samples can have one reasoning for all of theirs."""
    questions = {(one.question, one.system) for one in asked}
    reasons: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in asked:
        reasons[one.media].add(one.reasoning)
    alike = all(len(texts) == 1 for texts in reasons.values())
    return alike and len(questions) <= min(_MOST_PROMPTS, len(asked) // 2)


def _groups(asked: Sequence[Asked], complaints: Complaints, *, shared: bool) -> tuple[Group, ...]:
    """Make the prompts: one per question, or, where each entry has its own, one per kind of answer."""
    kinds = [kinds_of(one.question, one.answer) for one in asked]
    places: dict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        key = (one.question, one.system) if shared else (kinds[place].kind, one.system)
        places[key].append(place)
    groups: list[Group] = []
    for own in places.values():
        first = asked[own[0]]
        among = together([kinds[place] for place in own], shared=shared)
        answers = {} if among is None else {p: said for p, said in zip(own, among.answers, strict=True) if said}
        for place in own:
            if place not in answers:
                _complain_of_free_text(asked[place], complaints)
        if among is None:
            continue
        base = re.sub(r"[^a-z0-9]+", "_", first.question.casefold())[:40].strip("_") if shared else among.kind.value
        name = unused(base or "question", {group.prompt.name for group in groups}).replace("-", "_")
        prompt = Prompt(
            name=name,
            text=first.question if shared else "{question}",
            kind=among.kind,
            choices=among.choices,
            reasoning=any(asked[place].thinks for place in own),
            system=first.system,
        )
        groups.append(Group(prompt, answers))
    return tuple(groups)


def _complain_of_free_text(one: Asked, complaints: Complaints) -> None:
    told = "which no judge can hold a reply against. Judged are Yes and No, whole numbers, and options"
    one.entry.where.complain(complaints, f"is answered by {quoted(one.answer)}, {told}")


def _with_column(prompt: Prompt, groups: Sequence[Group]) -> Prompt:
    return prompt if len(groups) == 1 else prompt.model_copy(update={"expected": f"answer_{prompt.name}"})


def _samples_by_media(asked: Sequence[Asked], groups: Sequence[Group]) -> tuple[Sample, ...]:
    """Make a sample of all that is asked of the same media."""
    together: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        together[one.media].append(place)
    ids: set[str] = set()
    made = (_sample(places, asked, groups, ids) for places in together.values())
    return tuple(sample for sample in made if sample is not None)


def _samples_by_entry(asked: Sequence[Asked], groups: Sequence[Group]) -> tuple[Sample, ...]:
    """Make a sample of every entry, which carries its question."""
    ids: set[str] = set()
    found = ((one, _sample([place], asked, groups, ids)) for place, one in enumerate(asked))
    return tuple(
        sample.model_copy(update={"fields": {"question": one.question, **sample.fields}})
        for one, sample in found
        if sample is not None
    )


def _sample(places: Iterable[int], asked: Sequence[Asked], groups: Sequence[Group], ids: set[str]) -> Sample | None:
    """Make the sample of some entries; None where none of them has an answer that can be judged."""
    own = [(group, place) for group in groups for place in places if place in group.answers]
    if not own:
        return None
    first = asked[own[0][1]]
    answers = {f"answer_{group.prompt.name}": group.answers[place] for group, place in own}
    extras = {key: _one_line(text) for key, text in first.entry.extras.items()}
    name = unused(_one_line(first.entry.id) or Path(first.media[0]).stem, ids)
    ids.add(name)
    columns = (f"answer_{group.prompt.name}" for group in groups) if len(groups) > 1 else ()
    return Sample(
        id=name,
        media=first.media,
        label=own[0][0].answers[own[0][1]],
        category=extras.get("category", ""),
        split=extras["split"] if extras.get("split") in SPLITS else SPLITS[0],
        source=extras.get("source", ""),
        group=extras.get("group", ""),
        reasoning=next((asked[place].reasoning for _, place in own if asked[place].reasoning), ""),
        fields={column: answers.get(column, "") for column in columns},
    )


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()


def _remark(group: Group) -> str:
    """Say what a prompt was taken for, and why."""
    counts = ", ".join(f"{answer} {count:,}" for answer, count in Counter(group.answers.values()).most_common(6))
    thinks = "asked to think first" if group.prompt.reasoning else "not asked to think first (reasoning: false)"
    return f"{group.prompt.name}: {group.prompt.kind.value}, deduced from the answers: {counts}; {thinks}"
