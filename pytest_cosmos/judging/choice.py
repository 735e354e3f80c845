"""Read one of several options, by its text or by the letter that the question gave it.

An option's text also counts in prose, if it is the only one there and is not denied; of nested options ("cracked",
"not cracked") the longest counts. Letters, and options that are everyday words ("no", "none", "2"), count only where
they are put forward as the answer: "A wet floor" has no letter A in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pytest_cosmos.judging.reading import (
    AFTERWARDS,
    ANSWER,
    Found,
    clauses,
    doubtful,
    mark,
    marked,
    plain,
    settle,
    statements,
    without_echo,
    word_set,
)
from pytest_cosmos.records import Prompt

_EVERYDAY = word_set("yes no none other others all some both either neither any maybe unknown")
_LEAVES_OPEN = frozenset(("or", "/", "and", "&", "vs", "versus", "nor"))


@dataclass(frozen=True, slots=True)
class _Options:
    """How a prompt's options are found in a text."""

    pattern: re.Pattern[str]
    marks: dict[str, int]
    """What each spelling (case folded; letters as they are) stands for: the option's place, or, where it must be put
    forward as the answer, that plus `count`."""
    count: int


def read(text: str, prompt: Prompt) -> Found:
    """Find the one option that the text states."""
    options = _options(prompt.choices, prompt.text)
    bare = without_echo(plain(text), prompt.text)
    replaced = options.pattern.sub(lambda said: _mark(said[0], options), _letter_alone(bare, options))
    stated = statements(replaced, lambda answer, behind: _follows(answer, behind, options.count))
    explicit = [one for one in stated if one.strength == ANSWER]
    if explicit:
        return Found(prompt.choices[settle(explicit).pop() % options.count])
    mentioned = list(_mentions(replaced, options.count))
    named = {answer for answer, _ in mentioned} | {one.answer % options.count for one in stated}
    if len(named) > 1:
        return Found(None, "several of the options")
    if not named:
        return Found(None, "none of the options")
    if stated or not all(denied for _, denied in mentioned):
        return Found(prompt.choices[named.pop()])
    return Found(None, "only denies an option")


def _mentions(text: str, count: int) -> Iterator[tuple[int, bool]]:
    """Yield each option whose text may be taken from prose, and whether it is denied there."""
    for words in clauses(text):
        denied = False
        for place, word in enumerate(words):
            answer = marked(word)
            if answer is None:
                denied = denied or doubtful((word,))
            elif answer < count:
                yield answer, denied or doubtful(words[place + 1 : place + 4])


def _follows(answer: int, behind: Sequence[str], count: int) -> bool:
    if not behind:
        return True
    another = marked(behind[0])
    if another is not None:
        return another % count == answer % count
    return behind[0] not in _LEAVES_OPEN and (answer < count or behind[0] in AFTERWARDS)


def _mark(said: str, options: _Options) -> str:
    place = options.marks.get(said, options.marks.get(_key(said)))
    return said if place is None else mark(place)


def _letter_alone(text: str, options: _Options) -> str:
    """Capitalise a small letter that is the whole reply: in prose it could be an article."""
    letter = text.strip(" .,:;()'").upper()
    return letter if len(letter) == 1 and letter in options.marks else text


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


@lru_cache
def _options(choices: tuple[str, ...], question: str) -> _Options:
    """Prepare a prompt's options; letters count only where the question gives them ("(A) wet", "B: dry")."""
    count = len(choices)
    places = {key: place for place, choice in reversed([*enumerate(choices)]) if (key := _key(plain(choice)))}
    letters = {key.upper(): place for key, place in places.items() if len(key) == 1}
    phrases = sorted((key for key in places if len(key) > 1), key=len, reverse=True)
    either = "|".join(re.escape(phrase).replace("\\ ", r"\s") for phrase in phrases) or r"(?!)"
    for letter, phrase in re.findall(rf"(?<!\w)([A-Z])[).:] ?((?i:{either}))(?!['-]?\w)", plain(question)):
        letters.setdefault(letter, places[_key(phrase)])
    marks = {key: places[key] + count * (key in _EVERYDAY or key.isnumeric()) for key in phrases}
    single = "|".join(map(re.escape, letters)) or r"(?!)"
    pattern = re.compile(rf"(?<!\w)(?<!\w['-])(?:(?i:{either})|{single})(?!['-]?\w)")
    return _Options(pattern, marks | {letter: place + count for letter, place in letters.items()}, count)
