"""The records of annotation files: an entry per question and answer.

jsonl, llava, hf   as in `pack_formats`, our own or anybody's
questions          nvidia-cosmos/cosmos-reason1, examples/benchmark: `*_benchmark_qa_pairs.json`; asked as its
                   tools/eval/utils/input.py does (`get_prompt`), for a letter
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field, StrictStr, ValidationError

from pytest_cosmos.finetune.pack_formats import MEDIA_TAG
from pytest_cosmos.finetune.packed import PackedCase
from pytest_cosmos.records import SCHEMA_VERSION
from pytest_cosmos.userfiles import Complaints, quoted

AnyFormat = Literal["jsonl", "llava", "hf", "questions"]

FORMS: dict[AnyFormat, str] = {
    "jsonl": "lines {image_path or video_path, prompt, target}",
    "llava": "a list of {image or video, conversations: [{value: question}, {value: answer}]}",
    "hf": "the folder of a data set with the column conversations",
    "questions": "a list of {video, qa_pairs: {question, index2ans, answer}}",
}


@dataclass(frozen=True, slots=True)
class Where:
    """A record's place."""

    file: Path
    line: int
    """In a data set: its number."""
    number: int
    """Of the record in its file, from 1: many files have a single line."""

    def complain(self, complaints: Complaints, text: str) -> None:
        """Say what is wrong with the record."""
        complaints.add(self.file, self.line, f"record {self.number}: {text}")

    def __str__(self) -> str:
        return f"record {self.number} of {self.file.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One question and its answer."""

    where: Where
    images: tuple[str, ...]
    videos: tuple[str, ...]
    prompt: str
    """What is asked, in the model's own words: with the reasoning request, if there is one."""
    target: str
    """What is to be said: with the reasoning, if there is some."""
    id: str = ""
    system: str | None = None
    thinks: bool = False
    """Whether the format's publisher asks to think first, without the request being in `prompt`."""
    case: PackedCase | None = None
    """What it was packed from; None: it comes from elsewhere."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """What else it says that a sample may say: split, category, source, group."""


Paths = StrictStr | list[StrictStr] | None
Id = StrictStr | int | None


class _Extras(BaseModel):
    id: Id = None
    split: Any = None
    category: Any = None
    source: Any = None
    group: Any = None
    case: PackedCase | None = None


class _Line(_Extras):
    image_path: Paths = None
    video_path: Paths = None
    prompt: StrictStr
    target: StrictStr
    system: StrictStr | None = None


class _Turn(BaseModel):
    value: StrictStr


class _Llava(_Extras):
    image: Paths = None
    images: Paths = None
    video: Paths = None
    conversations: list[_Turn] = Field(min_length=2)


class _Part(BaseModel):
    type: StrictStr
    image: StrictStr | None = None
    video: StrictStr | None = None
    text: StrictStr | None = None


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: StrictStr | list[_Part]
    case: PackedCase | None = None


class _Messages(BaseModel):
    messages: list[_Message] = Field(min_length=2)


class _Question(BaseModel):
    question: StrictStr
    index2ans: dict[StrictStr, StrictStr] = Field(min_length=2)
    answer: StrictStr = Field(validation_alias=AliasChoices("answer", "correct_answer"))


class _Questions(BaseModel):
    video: StrictStr
    qa_pairs: _Question | list[_Question]


def recognise(item: Any) -> AnyFormat | None:
    """Tell the format of a record by its keys; None: unknown."""
    if isinstance(item, list):
        return "hf"
    if not isinstance(item, dict):
        return None
    if "qa_pairs" in item:
        return "questions"
    if "conversations" in item:
        return "llava"
    return "jsonl" if "prompt" in item and "target" in item else None


def entries_of(form: AnyFormat, item: Any, where: Where, complaints: Complaints) -> list[Entry]:
    """Read a record of a format; none where it is complained of."""
    try:
        json.dumps(item, ensure_ascii=False).encode()
        entries = list(_READERS[form](item, where))
    except UnicodeEncodeError:
        where.complain(complaints, f"{form}: holds half of a character (a lone surrogate)")
        return []
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            place = ".".join(str(step) for step in wrong["loc"])
            where.complain(complaints, f"{form}: {place or 'all of it'}: {wrong['msg']}")
        return []
    except ValueError as error:
        where.complain(complaints, f"{form}: {error}")
        return []
    return [entry for entry in entries if _is_sound(entry, complaints)]


def _is_sound(entry: Entry, complaints: Complaints) -> bool:
    before = len(complaints)
    if not entry.images and not entry.videos:
        entry.where.complain(complaints, "has neither an image nor a video")
    if not entry.prompt.strip():
        entry.where.complain(complaints, "asks nothing")
    if not entry.target.strip():
        entry.where.complain(complaints, "answers nothing")
    if entry.case is not None and entry.case.schema_version != SCHEMA_VERSION:
        found = f"case is of schema version {entry.case.schema_version}, this pytest-cosmos reads {SCHEMA_VERSION}"
        entry.where.complain(complaints, f"{found}. Install a newer one")
    return len(complaints) == before


def _line(item: Any, where: Where) -> Iterator[Entry]:
    found = _Line.model_validate(item)
    media = _listed_paths(found.image_path), _listed_paths(found.video_path)
    yield Entry(where, *media, found.prompt, found.target, system=found.system, **_common(found))


def _llava(item: Any, where: Where) -> Iterator[Entry]:
    found = _Llava.model_validate(item)
    question, answer, *more = (turn.value for turn in found.conversations)
    if more:
        raise ValueError(f"conversations has {len(more) + 2} turns. Two are read, a question and its answer")
    media = _listed_paths(found.image or found.images), _listed_paths(found.video)
    yield Entry(where, *media, MEDIA_TAG.sub("", question), answer, **_common(found))


def _conversation(item: Any, where: Where) -> Iterator[Entry]:
    said = _Messages.model_validate({"messages": item}).messages
    systems = [one for one in said if one.role == "system"]
    roles = [one.role for one in said if one.role != "system"]
    if roles != ["user", "assistant"]:
        raise ValueError(f"is said by {', '.join(roles)}. One user's and one assistant's turn are read")
    user, assistant = (one for one in said if one.role != "system")
    parts = user.content if isinstance(user.content, list) else [_Part(type="text", text=user.content)]
    yield Entry(
        where,
        tuple(part.image for part in parts if part.image is not None),
        tuple(part.video for part in parts if part.video is not None),
        "\n".join(part.text for part in parts if part.text is not None),
        _plain(assistant.content),
        system=_plain(systems[0].content) if systems else None,
        case=assistant.case,
    )


def _plain(content: str | list[_Part]) -> str:
    return content if isinstance(content, str) else "\n".join(part.text or "" for part in content)


def _questions(item: Any, where: Where) -> Iterator[Entry]:
    found = _Questions.model_validate(item)
    pairs = found.qa_pairs if isinstance(found.qa_pairs, list) else [found.qa_pairs]
    for pair in pairs:
        letters = [letter for letter in pair.index2ans if letter not in string.ascii_uppercase or len(letter) != 1]
        if letters:
            raise ValueError(f"index2ans: the option {quoted(letters[0])} is no capital letter")
        if pair.answer not in pair.index2ans:
            options = ", ".join(pair.index2ans)
            raise ValueError(f"answer is {quoted(pair.answer)}, which is none of its options: {options}")
        options = "\n".join(f"({letter}) {text}" for letter, text in pair.index2ans.items())
        asked = f"{pair.question}\n{options}\nAnswer with the option's letter from the given choices directly."
        yield Entry(where, (), (found.video,), asked, pair.answer, system="Answer the questions.", thinks=True)


def _common(found: _Extras) -> dict[str, Any]:
    said = {key: getattr(found, key) for key in ("split", "category", "source", "group")}
    extras = {key: text.strip() for key, text in said.items() if isinstance(text, str) and text.strip()}
    return {"id": "" if found.id is None else str(found.id), "case": found.case, "extras": extras}


def _listed_paths(paths: str | list[str] | None) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else tuple(paths or ())


_READERS: dict[AnyFormat, Callable[[Any, Where], Iterator[Entry]]] = {
    "jsonl": _line,
    "llava": _llava,
    "hf": _conversation,
    "questions": _questions,
}
