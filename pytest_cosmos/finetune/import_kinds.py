"""Tell from an answer, and from the question, what kind of answer it is."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_cosmos.records import AnswerKind
from pytest_cosmos.userfiles import control_character

_LETTER = re.compile(r"\(?([A-Z])\)?(?:[.:)]?|[.:)] *\S.*)")
_NUMBER = re.compile(r"\d{1,2}")
_SCALES = ((1, 5), (0, 5), (1, 10), (0, 10))
_LONGEST_OPTION = 60
_MOST_OPTIONS = 10


@dataclass(frozen=True, slots=True)
class Kinds:
    """What an answer may be."""

    kind: AnswerKind | None
    """None: a text, which may be one of a few."""
    answer: str
    letters: int = 0
    """How many options the question has, `A` being the first."""


@dataclass(frozen=True, slots=True)
class Together:
    """What the answers to one prompt are."""

    kind: AnswerKind
    choices: tuple[str, ...]
    answers: tuple[str | None, ...]
    """Each as one of the choices; None: it is none of them."""


def together(some: Sequence[Kinds], *, shared: bool) -> Together | None:
    """Say what the answers to one prompt are; None: texts of all sorts.

    Texts are a choice only where the question is the same (`shared`), and a few of them come again and again. Among
    others of one kind, a text is none of these.
    """
    kinds = Counter(one.kind for one in some)
    (kind, _), *others = kinds.most_common()
    if (kind is None or others) and shared and (texts := _few_texts([one.answer for one in some])) is not None:
        return texts
    if kind is None:
        return None
    own = [one for one in some if one.kind is kind]
    answers = tuple(one.answer if one.kind is kind else None for one in some)
    return Together(kind, _choices(kind, own), answers)


def _choices(kind: AnswerKind, some: Sequence[Kinds]) -> tuple[str, ...]:
    match kind:
        case AnswerKind.YES_NO:
            return ("Yes", "No")
        case AnswerKind.CHOICE:
            return tuple(string.ascii_uppercase[: max(one.letters for one in some)])
        case AnswerKind.RATING:
            numbers = [int(one.answer) for one in some]
            low, high = next(ends for ends in _SCALES if ends[0] <= min(numbers) and max(numbers) <= ends[1])
            return tuple(str(step) for step in range(low, high + 1))


def kinds_of(question: str, answer: str) -> Kinds:
    """Tell what an answer is: Yes or No, a number, the letter of an option that the question lists, or a text."""
    plain = answer.strip()
    word = plain.rstrip(".!").casefold()
    if word in ("yes", "no"):
        return Kinds(AnswerKind.YES_NO, word.capitalize())
    letter, letters = _LETTER.fullmatch(plain), _letters(question)
    if letter and letter[1] in string.ascii_uppercase[:letters]:
        return Kinds(AnswerKind.CHOICE, letter[1], letters)
    if _NUMBER.fullmatch(plain.rstrip(".")) and int(plain.rstrip(".")) <= _SCALES[-1][1]:
        return Kinds(AnswerKind.RATING, str(int(plain.rstrip("."))))
    return Kinds(None, plain)


def _letters(question: str) -> int:
    """Count the options that a question lists: "(A) wet", "A: wet", "A. wet", "A) wet", from A on; one is none."""
    count = 0
    for letter in string.ascii_uppercase:
        if not re.search(rf"(?<!\w)(?:\({letter}\)|{letter}[.:)])\s*\S", question):
            break
        count += 1
    return count if count > 1 else 0


def _few_texts(answers: Sequence[str]) -> Together | None:
    options: dict[str, str] = {}
    for answer in answers:
        options.setdefault(answer.rstrip(".").casefold(), answer.rstrip("."))
    short = all(0 < len(option) <= _LONGEST_OPTION and control_character(option) is None for option in options)
    if not short or not 2 <= len(options) <= min(_MOST_OPTIONS, len(answers) // 2):
        return None
    said = tuple(options[answer.rstrip(".").casefold()] for answer in answers)
    return Together(AnswerKind.CHOICE, tuple(options.values()), said)
