"""What every reader of answers needs: plain text, its clauses, and the places where an answer is stated.

    reply -> plain() -> every possible answer becomes one mark, a private-use character -> statements() -> settle()

A *statement* is a mark that the reply puts forward as its answer, not one it merely mentions: what stands before it
in its clause leads to it ("so I would say ..."), and what follows lets it stand. Everything runs in linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_FIRST_MARK = 0xF0000
"""Where the supplementary private-use planes begin: room for more answers than any prompt has."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader made of a text: the answer as the prompt's choices spell it, or why there is none."""

    answer: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """An answer put forward."""

    answer: int
    """Which mark."""
    strength: int
    """BARE, TOPIC or ANSWER."""


BARE, TOPIC, ANSWER = 0, 1, 2
"""How an answer is put forward: by itself, under the name of what was asked ("rating: 4"), as "the answer"."""

Follows = Callable[[int, Sequence[str]], bool]
"""Tells whether a mark can be an answer with these words (none: the clause ends) behind it."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that is nothing but a list of words."""
    return frozenset(text.split())


_NAMES_ANSWER = word_set("answer verdict conclusion decision judgement judgment")

# Words that lead to an answer and say nothing else.
_LEADS = word_set(
    "so well ok okay sure thus therefore hence overall finally ultimately actually definitely absolutely certainly "
    "clearly obviously probably likely most very also but and then hmm my the a an this it it's its "
    "that that's is was be being would should i i'd i'm i'll we say think believe give go choose select pick with of "
    "for as at about around approximately roughly final correct right clear strong definite simply just to in short "
    "summary response result option choice letter assistant q wait surface floor ground image between"
)

# Words that take back or leave open what follows them in their clause.
_DOUBTS = word_set(
    "not never neither nor cannot can't don't doesn't isn't wasn't wouldn't won't if whether unless without unsure "
    "unclear uncertain rather than instead unlike less more least no otherwise else"
)

# Words that can follow an answer without changing it: a new sentence begins, or a reason.
AFTERWARDS = word_set(
    "it it's its the this that that's these those i i'd i'm we you they there there's because since as due given but "
    "so not based for on indeed sir"
)

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000f0000-\U0010ffff]+"
)
_STRUCK_OUT = re.compile(r"~~[^~\n]*~~")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,40}>")
_BOXED = re.compile(r"\\boxed\b")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_QUOTED_LINE = re.compile(r"^ *> ", re.MULTILINE)
_MARKUP = re.compile(r"[*`#$~_\\\"“”„«»]")
_APOSTROPHES = re.compile("[‘’ʼ]")
_HYPHENS = re.compile("[‐‑−]")
_SPACES = re.compile(r"[^\S\n]+")
_NEWLINES = re.compile(r" ?\n[ \n]*")

_SENTENCE = re.compile(r"[^.!?。\n]*[.!?。\n]?")
_CLAUSE_END = re.compile(r"[,;:()\[\]{}=|、—–]|--| - ")
_WORD = re.compile(r"[\U000f0000-\U0010ffff]|\w+(?:['-]\w+)*|[/<>≤≥%&+]")


def plain(text: str) -> str:
    """Return text without what only decorates it: markup, invisible characters, odd forms of letters and digits.

    Runs of white space become one space, or one newline where they hold one. `\\boxed{x}` becomes "answer: {x}".
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = _COMMAND.sub(" ", _BOXED.sub("\nanswer: ", _STRUCK_OUT.sub(" ", text)))
    text = _QUOTED_LINE.sub("", _TAG.sub("\n", text))
    text = _MARKUP.sub(" ", _HYPHENS.sub("-", _APOSTROPHES.sub("'", text)))
    return _NEWLINES.sub("\n", _SPACES.sub(" ", text)).strip()


def without_echo(text: str, question: str) -> str:
    """Take the question out of a plain text, wherever the reply repeats it to the letter."""
    echo = plain(question)
    return text.replace(echo, "\n") if echo else text


def mark(answer: int) -> str:
    """Return what stands for an answer in a text: its character, set off by spaces."""
    return f" {chr(_FIRST_MARK + answer)} "


def marked(word: str) -> int | None:
    """Return which answer a word stands for; None: it is an ordinary word."""
    return ord(word) - _FIRST_MARK if word >= chr(_FIRST_MARK) else None


def words_of(text: str) -> list[str]:
    """Return a text's words in lower case, its marks and the signs that matter."""
    return [word.lower() for word in _WORD.findall(text)]


def clauses(text: str) -> Iterator[list[str]]:
    """Yield each clause's words; questions are left out, for they assert nothing."""
    for sentence in _SENTENCE.findall(text):
        if not sentence.endswith("?"):
            yield from filter(None, map(words_of, _CLAUSE_END.split(sentence)))


def doubtful(words: Iterable[str]) -> bool:
    """Tell whether one of the words takes back or leaves open what comes after."""
    return not _DOUBTS.isdisjoint(words)


def statements(text: str, follows: Follows, topic: frozenset[str] = frozenset()) -> list[Statement]:
    """Return every answer that a marked text puts forward, in order; `topic` are names of what was asked."""
    found: list[Statement] = []
    inherited = BARE
    for words in clauses(text):
        found += _stated(words, follows, topic, inherited)
        # "Final answer:" or "Rating" alone, up to a line or colon, speaks of the clause that comes next.
        inherited = _announced(words, topic)
    return found


def _stated(words: list[str], follows: Follows, topic: frozenset[str], inherited: int) -> Iterator[Statement]:
    """Yield the answers that one clause puts forward."""
    from_start, strength, doubted = True, inherited, False
    for place, word in enumerate(words):
        answer = marked(word)
        if answer is None:
            leads = _leads(word, topic)
            from_start, strength = from_start and leads, max(strength, _strength(word, topic)) if leads else BARE
            doubted = doubted or word in _DOUBTS
            continue
        if words[place + 1 : place + 2] == [word]:
            continue  # "yes yes": the last of a run speaks for it
        led_to = from_start or strength > BARE
        if led_to and not doubted and follows(answer, words[place + 1 : place + 4]):
            yield Statement(answer, strength)
        from_start, strength = False, BARE


def _announced(words: list[str], topic: frozenset[str]) -> int:
    """Tell what a clause announces that holds nothing but words that lead to an answer."""
    if all(_leads(word, topic) for word in words):
        return max(_strength(word, topic) for word in words)
    return BARE


def _strength(word: str, topic: frozenset[str]) -> int:
    if word in _NAMES_ANSWER:
        return ANSWER
    return TOPIC if word in topic else BARE


def _leads(word: str, topic: frozenset[str]) -> bool:
    return word in _LEADS or word in _NAMES_ANSWER or word in topic


def settle(stated: Sequence[Statement]) -> set[int]:
    """Return which answers stand: of the strongest statements, the last "answer", or else all there are."""
    strongest = max((one.strength for one in stated), default=BARE)
    answers = [one.answer for one in stated if one.strength == strongest]
    return set(answers[-1:] if strongest == ANSWER else answers)
